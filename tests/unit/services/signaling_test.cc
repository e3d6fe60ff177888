#include "harness/services/signaling.h"

#include <gtest/gtest.h>

namespace crypelab::services::signaling_test {
namespace {

TEST(Signaling, every_client_has_a_token_and_the_secret_is_the_labs) {
  const auto process = signaling("signal", {}, {}, {"alice", "bob"});
  const auto& text = process.files.front().content;
  EXPECT_NE(text.find(R"("{secret:token-alice}": "alice")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("{secret:token-bob}": "bob")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("secret": "{secret:turn}", "lifetime": "3600s")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"(["203.0.113.10:443", "[2001:db8:113::10]:443"])"), std::string::npos) << text;
  for (const auto& url : model::standard_ice_urls()) EXPECT_NE(text.find('"' + url + '"'), std::string::npos) << url;
}

TEST(Signaling, knows_no_turn_secret_where_credentials_are_long_term) {
  const auto process = signaling("signal", {}, {.credentials = model::TurnCredentials::long_term}, {"alice"});
  EXPECT_EQ(process.files.front().content.find("secret:turn}"), std::string::npos);
}

TEST(Signaling, a_vendors_program_gets_the_same_configuration_and_is_ready_when_it_answers_tls) {
  const model::Signaling vendor{.program = {"{here}/server", "-c", "{config}", "{here}/x"},
                                .folder = "/srv/vendor",
                                .certificate = model::ServerCertificate::untrusted,
                                .key = model::ServerKey::rsa};
  const auto process = signaling("signal", vendor, {}, {"alice", "bob"});
  EXPECT_EQ(process.argv,
            (std::vector<std::string>{"/srv/vendor/server", "-c", "{dir}/signaling.json", "/srv/vendor/x"}));
  EXPECT_EQ(process.folder, "/srv/vendor");
  EXPECT_EQ(process.files, signaling("signal", {}, {}, {"alice", "bob"}).files);
  EXPECT_EQ(process.readiness, Readiness(AnswersTls{{*parse_address("203.0.113.10"), 443}, "signal.crype.test"}));
  EXPECT_TRUE(process.package.empty());
  ASSERT_EQ(process.certificates.size(), 1U);
  EXPECT_EQ(process.certificates[0].issuer, Issuer::stranger);
  EXPECT_TRUE(process.certificates[0].rsa);
}

TEST(SignalingLog, a_line_becomes_an_event_without_the_servers_own_clock) {
  const auto events = read_signaling_log(
      R"({"event":"message","t":12,"room":"r1","peer":"alice","via":"wss","type":"offer","size":120,"seq":7})");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].source, model::Source::signaling);
  EXPECT_EQ(events[0].kind, "message");
  EXPECT_EQ(text_field(events[0], "peer"), "alice");
  EXPECT_EQ(*find_field(events[0], "size"), model::Value(std::int64_t{120}));
  EXPECT_EQ(find_field(events[0], "t"), nullptr);
}

TEST(SignalingLog, what_is_no_such_line_is_no_event) {
  for (const char* line : {"", "crypelab-signaling: cannot listen", "{", "{}", "[1]", R"({"event":7})", R"({"t":1})"}) {
    EXPECT_TRUE(read_signaling_log(line).empty()) << line;
  }
}

}  // namespace
}  // namespace crypelab::services::signaling_test
