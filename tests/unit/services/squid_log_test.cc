#include "harness/services/squid.h"

#include <gtest/gtest.h>

namespace crypelab::services::squid_log_test {
namespace {

std::string text_of(const model::Event& event) {
  std::string text = event.kind;
  for (const auto& [name, value] : event.fields) {
    text += " " + name + "=";
    if (const auto* string = std::get_if<std::string>(&value)) text += *string;
    if (const auto* number = std::get_if<std::int64_t>(&value)) text += "#" + std::to_string(*number);
  }
  return text;
}

std::string read(std::string_view line) {
  const auto events = read_squid_log(line);
  if (events.empty()) return "";
  EXPECT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].source, model::Source::proxy);
  return text_of(events[0]);
}

TEST(SquidLog, a_challenge_names_its_schemes_in_their_order) {
  EXPECT_EQ(
      read("crypelab-access client=10.20.0.10:42214 method=CONNECT target=www.crype.test:443 status=407 "
           "outcome=TCP_DENIED hierarchy=HIER_NONE upstream=-:- user=- scheme=- "
           "offered=HTTP/1.1%20407%20X%0D%0AServer:%20squid%0D%0AProxy-Authenticate:%20Negotiate%0D%0A"
           "proxy-authenticate:%20NTLM%0D%0AProxy-Authenticate:%20Digest%20realm=%22a,%20b%22,%20nonce=%22x%22%0D%0A"
           "Proxy-Authenticate:%20Basic%20realm=%22Basic%22%0D%0AX-A:%20Proxy-Authenticate:%20No "
           "received=165 sent=3561 milliseconds=1"),
      "answered client=10.20.0.10:42214 method=CONNECT target=www.crype.test:443 status=#407 outcome=TCP_DENIED "
      "hierarchy=HIER_NONE offered=Negotiate, NTLM, Digest, Basic received=#165 sent=#3561 milliseconds=#1");
}

TEST(SquidLog, a_connect_that_succeeded_is_a_tunnel_that_has_ended) {
  EXPECT_EQ(read("crypelab-access client=10.20.0.10:1 method=CONNECT target=a.test:443 status=200 outcome=TCP_TUNNEL "
                 "hierarchy=HIER_DIRECT upstream=203.0.113.80:443 user=alice%20b scheme=basic offered=- received=165 "
                 "sent=3561 milliseconds=1 sni=a.test bump=splice"),
            "tunnel-closed client=10.20.0.10:1 method=CONNECT target=a.test:443 status=#200 outcome=TCP_TUNNEL "
            "hierarchy=HIER_DIRECT upstream=203.0.113.80:443 user=alice b scheme=basic received=#165 sent=#3561 "
            "milliseconds=#1 sni=a.test bump=splice");
}

TEST(SquidLog, a_request_and_its_admission_are_told_apart) {
  EXPECT_EQ(read("crypelab-request client=10.20.0.10:1 method=CONNECT target=a.test:443 scheme=ntlm step=3 agent=x%20y "
                 "host=a.test%3A443 alpn=webrtc proxy-connection=- upgrade=-"),
            "request client=10.20.0.10:1 method=CONNECT target=a.test:443 scheme=ntlm step=3 agent=x y host=a.test:443 "
            "alpn=webrtc");
  EXPECT_EQ(read("crypelab-admitted client=10.20.0.10:1 method=CONNECT target=a.test:443 user=alice"),
            "admitted client=10.20.0.10:1 method=CONNECT target=a.test:443 user=alice");
}

TEST(SquidLog, what_is_no_record_says_nothing) {
  for (const auto* line : {"", "2026/11/22 10:34:16| Starting Squid", "crypelab-access ", "crypelab-access status=200",
                           "crypelab-request client=1", "crypelab-access client=a method=b target=c"}) {
    EXPECT_EQ(read(line), "") << line;
  }
}

TEST(SquidLog, escapes_that_are_none_stay_and_long_values_are_cut) {
  EXPECT_EQ(read("crypelab-admitted client=a method=b target=%zz%4 user=%"),
            "admitted client=a method=b target=%zz%4 user=%");
  const auto text = read("crypelab-admitted client=a method=b target=" + std::string(100'000, 'x'));
  EXPECT_LT(text.size(), 5000u);
}

}  // namespace
}  // namespace crypelab::services::squid_log_test
