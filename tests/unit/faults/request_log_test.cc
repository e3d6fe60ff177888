#include "harness/faults/request_log.h"

#include <gtest/gtest.h>

namespace crypelab::faults::request_log_test {
namespace {

constexpr const char* kRest = " curl%2F7.88.1 a.test%3A443 webrtc Keep-Alive -";

std::string request(const std::string& credentials) {
  return "7 request 10.20.0.10 4242 CONNECT a.test:443 - " + credentials + kRest;
}

TEST(RequestLog, says_yes_and_tells_the_head) {
  const auto answer = answer_request(request("-"));
  EXPECT_EQ(answer.reply, "7 OK log=-\n");
  EXPECT_EQ(answer.record,
            "crypelab-request client=10.20.0.10:4242 method=CONNECT target=a.test:443 scheme=- step=- "
            "agent=curl%2F7.88.1 host=a.test%3A443 alpn=webrtc proxy-connection=Keep-Alive upgrade=-\n");
}

TEST(RequestLog, of_credentials_only_the_scheme_is_told) {
  const auto answer = answer_request(request("Basic%20YWxpY2U6d29uZGVybGFuZA=="));
  EXPECT_EQ(answer.reply, "7 OK log=basic\n");
  EXPECT_NE(answer.record.find(" scheme=basic step=- "), std::string::npos) << answer.record;
  EXPECT_EQ(answer.record.find("YWxp"), std::string::npos) << answer.record;
  // Without a scheme in front it may be the secret itself.
  for (const auto* bare : {"YWxpY2U6d29uZGVybGFuZA==", "wonderland", "won_der%20land", "%20wonderland"}) {
    const auto nothing = answer_request(request(bare));
    EXPECT_EQ(nothing.record.find("wonder"), std::string::npos) << nothing.record;
    EXPECT_EQ(nothing.record.find("YWxp"), std::string::npos) << nothing.record;
  }
}

TEST(RequestLog, tells_which_message_of_ntlm_it_is) {
  for (const auto& [token, step] : {std::pair{"TlRMTVNTUAABAAAA", "1"}, {"TlRMTVNTUAADAAAA", "3"}, {"YIIG", "-"}}) {
    const auto answer = answer_request(request(std::string("NTLM%20") + token));
    EXPECT_NE(answer.record.find(std::string(" scheme=ntlm step=") + step + " "), std::string::npos) << answer.record;
  }
}

TEST(RequestLog, an_admission_names_the_user) {
  const auto answer = answer_request("8 admitted 10.20.0.10 4242 GET http://a.test/ alice Basic%20eA== - - - - -");
  EXPECT_EQ(answer.reply, "8 OK log=basic\n");
  EXPECT_EQ(answer.record, "crypelab-admitted client=10.20.0.10:4242 method=GET target=http://a.test/ user=alice\n");
}

TEST(RequestLog, what_is_no_question_is_not_told) {
  for (const auto* line : {"", "7", "7 request a b c", "  "}) {
    const auto answer = answer_request(line);
    EXPECT_NE(answer.reply.find(" BH "), std::string::npos) << answer.reply;
    EXPECT_EQ(answer.record, "");
  }
}

// PIPE_BUF is 4096: a longer record could mix with another program's line.
TEST(RequestLog, a_record_is_written_in_one_piece) {
  const std::string longest(100'000, 'x');
  std::string question = "7 request";
  for (int i = 0; i < 11; ++i) question += " " + longest;
  EXPECT_LT(answer_request(question).record.size(), 4096u);
}

}  // namespace
}  // namespace crypelab::faults::request_log_test
