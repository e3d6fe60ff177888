#include "harness/services/coturn.h"

#include <gtest/gtest.h>

namespace crypelab::services::coturn_test {
namespace {

std::string file_of(const Process& process) { return process.files.front().content; }

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Coturn, listens_where_the_standard_world_says_and_relays_from_its_first_address) {
  const auto process = coturn("turn-a", {}, {}, {"alice"});
  const auto conf = file_of(process);
  for (const char* line :
       {"listening-ip=203.0.113.22", "listening-ip=2001:db8:113::22", "listening-port=443", "tls-listening-port=5349",
        "aux-server=203.0.113.20:3478", "aux-server=[2001:db8:113::20]:3478", "aux-server=203.0.113.21:443",
        "aux-server=[2001:db8:113::21]:443", "relay-ip=203.0.113.20", "relay-ip=2001:db8:113::20"}) {
    EXPECT_TRUE(has_line(conf, line)) << line;
  }
  EXPECT_EQ(process.host, "turn-a");
  EXPECT_EQ(process.package, "coturn");
}

TEST(Coturn, time_limited_credentials_need_the_shared_secret_and_no_users) {
  const auto conf = file_of(coturn("turn-b", {}, {}, {"alice"}));
  EXPECT_TRUE(has_line(conf, "use-auth-secret"));
  EXPECT_TRUE(has_line(conf, "static-auth-secret={secret:turn}"));
  EXPECT_EQ(conf.find("alice"), std::string::npos);
}

TEST(Coturn, long_term_credentials_name_every_client) {
  const model::TurnAccess access{.credentials = model::TurnCredentials::long_term};
  const auto conf = file_of(coturn("turn-b", {}, access, {"alice", "bob"}));
  EXPECT_TRUE(has_line(conf, "lt-cred-mech"));
  EXPECT_TRUE(has_line(conf, "user=alice:{secret:turn-alice}"));
  EXPECT_TRUE(has_line(conf, "user=bob:{secret:turn-bob}"));
  EXPECT_EQ(conf.find("use-auth-secret"), std::string::npos);
}

TEST(Coturn, quota_nonce_life_and_alternate_server_are_written_when_asked_for) {
  model::TurnServer settings;
  EXPECT_EQ(file_of(coturn("turn-a", settings, {}, {})).find("user-quota"), std::string::npos);
  settings.quota = 2;
  settings.nonce_life = std::chrono::milliseconds(29'500);
  settings.alternate = "turn-b";
  const auto conf = file_of(coturn("turn-a", settings, {}, {}));
  EXPECT_TRUE(has_line(conf, "user-quota=2"));
  EXPECT_TRUE(has_line(conf, "stale-nonce=30"));
  EXPECT_TRUE(has_line(conf, "alternate-server=198.51.100.20:3478"));
  EXPECT_TRUE(has_line(conf, "alternate-server=[2001:db8:100::20]:3478"));
  EXPECT_TRUE(has_line(conf, "tls-alternate-server=198.51.100.22:443"));
}

TEST(Coturn, its_certificate_holds_the_names_of_its_addresses_and_is_what_the_scenario_says) {
  const auto good = turn_certificate("turn-b", {});
  EXPECT_EQ(good.names, (std::vector<std::string>{"turn-b.crype.test", "turn443-b.crype.test", "turns-b.crype.test"}));
  EXPECT_EQ(good.issuer, Issuer::lab);
  EXPECT_FALSE(good.rsa);
  model::TurnServer settings;
  settings.key = model::ServerKey::rsa;
  settings.certificate = model::ServerCertificate::wrong_name;
  EXPECT_EQ(turn_certificate("turn-b", settings).names, std::vector<std::string>{"relay.example.test"});
  EXPECT_TRUE(turn_certificate("turn-b", settings).rsa);
}

struct Golden {
  const char* line;
  const char* kind;  // empty: nothing
  std::vector<std::pair<std::string, model::Value>> fields;
};

std::int64_t n(std::int64_t number) { return number; }
std::string s(const char* text) { return text; }

// Lines as coturn 4.6.1 wrote them.
const Golden kGolden[] = {
    {"0: : IPv4. tcp or tls connected to: 203.0.113.21:55584", "connection", {{"client", s("203.0.113.21:55584")}}},
    {"0: : IPv4. Local relay addr: 203.0.113.20:52526", "relay", {{"address", s("203.0.113.20:52526")}}},
    {"33: : IPv6. Local relay addr (RTCP): 2001:db8:113::20:56937",
     "relay",
     {{"address", s("2001:db8:113::20:56937")}}},
    {"0: : IPv4. Local reserved relay addr: 203.0.113.20:52527", "", {}},
    {"0: : session 000000000000000001: realm <crype.test> user <>: incoming packet message processed, error 401: "
     "Unauthorized",
     "request",
     {{"session", n(1)}, {"user", s("")}, {"method", s("message")}, {"error", n(401)}, {"reason", s("Unauthorized")}}},
    {"0: : session 000000000000000001: new, realm=<crype.test>, username=<alice>, lifetime=777",
     "allocation",
     {{"session", n(1)}, {"user", s("alice")}, {"lifetime", n(777)}, {"tls", false}}},
    {"13: : session 000000000000000011: new, realm=<crype.test>, username=<1795347600:alice>, lifetime=600, "
     "cipher=ECDHE-ECDSA-AES256-GCM-SHA384, method=TLSv1.2",
     "allocation",
     {{"session", n(11)},
      {"user", s("1795347600:alice")},
      {"lifetime", n(600)},
      {"tls", true},
      {"cipher", s("ECDHE-ECDSA-AES256-GCM-SHA384")},
      {"method", s("TLSv1.2")}}},
    {"6: : session 000000000000000002: refreshed, realm=<crype.test>, username=<alice>, lifetime=0",
     "refresh",
     {{"session", n(2)}, {"user", s("alice")}, {"lifetime", n(0)}, {"tls", false}}},
    {"0: : session 000000000000000001: realm <crype.test> user <alice>: incoming packet ALLOCATE processed, success",
     "request",
     {{"session", n(1)}, {"user", s("alice")}, {"method", s("ALLOCATE")}, {"error", n(0)}}},
    {"1: : session 000000000000000002: peer 203.0.113.20:58407 lifetime updated: 300",
     "peer",
     {{"session", n(2)}, {"peer", s("203.0.113.20:58407")}, {"lifetime", n(300)}}},
    {"33: : session 000000000000000015: peer [2001:db8:113::20]:57079 lifetime updated: 600",
     "peer",
     {{"session", n(15)}, {"peer", s("[2001:db8:113::20]:57079")}, {"lifetime", n(600)}}},
    {"9: : session 000000000000000015: peer 203.0.113.20 deleted",
     "peer-gone",
     {{"session", n(15)}, {"peer", s("203.0.113.20")}}},
    {"33: : session 000000000000000011: usage: realm=<crype.test>, username=<alice>, rp=3, rb=284, sp=4, sb=312",
     "usage",
     {{"session", n(11)},
      {"user", s("alice")},
      {"received_packets", n(3)},
      {"received_bytes", n(284)},
      {"sent_packets", n(4)},
      {"sent_bytes", n(312)}}},
    {"33: : session 000000000000000011: peer usage: realm=<crype.test>, username=<alice>, rp=1, rb=2, sp=0, sb=0",
     "peer-usage",
     {{"session", n(11)},
      {"user", s("alice")},
      {"received_packets", n(1)},
      {"received_bytes", n(2)},
      {"sent_packets", n(0)},
      {"sent_bytes", n(0)}}},
    {"33: : session 000000000000000012: closed (2nd stage), user <alice> realm <crype.test> origin <>, local "
     "203.0.113.22:443, remote 198.18.0.2:35314, reason: TLS/TCP socket buffer operation error (callback)",
     "closed",
     {{"session", n(12)},
      {"user", s("alice")},
      {"server", s("203.0.113.22:443")},
      {"client", s("198.18.0.2:35314")},
      {"reason", s("TLS/TCP socket buffer operation error (callback)")}}},
    {"9: : session 000000000000000002: closed (2nd stage), user <> realm <crype.test> origin <>, local "
     "[2001:db8:113::22]:5349, remote [2001:db8:113::22]:41030, reason: TCP socket buffer operation error (callback)",
     "",
     {}},
    {"9: : session 000000000000000002: usage: realm=<crype.test>, username=<>, rp=1, rb=20, sp=1, sb=124", "", {}},
    {"33: : session 000000000000000011: delete: realm=<crype.test>, username=<alice>",
     "delete",
     {{"session", n(11)}, {"user", s("alice")}}},
    {"39: : ERROR: check_stun_auth: user alice credentials are incorrect",
     "refused",
     {{"user", s("alice")}, {"reason", s("the credentials are incorrect")}}},
    {"0: : TLS supported", "", {}},
    {"socket: Protocol not supported", "", {}},
    {"", "", {}},
};

TEST(CoturnLog, lines_become_events) {
  for (const auto& golden : kGolden) {
    const auto events = read_coturn_log(golden.line);
    if (*golden.kind == '\0') {
      EXPECT_TRUE(events.empty()) << golden.line;
      continue;
    }
    ASSERT_EQ(events.size(), 1u) << golden.line;
    EXPECT_EQ(events[0].source, model::Source::turn);
    EXPECT_EQ(events[0].kind, golden.kind) << golden.line;
    EXPECT_EQ(events[0].fields, golden.fields) << golden.line;
  }
}

TEST(CoturnLog, a_line_that_is_cut_anywhere_is_read_without_harm) {
  for (const auto& golden : kGolden) {
    const std::string_view line = golden.line;
    for (std::size_t size = 0; size < line.size(); ++size) {
      for (const auto& event : read_coturn_log(line.substr(0, size))) EXPECT_EQ(event.kind, golden.kind);
    }
  }
}

}  // namespace
}  // namespace crypelab::services::coturn_test
