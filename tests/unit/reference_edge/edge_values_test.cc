#include "clients/reference/transport/connector.h"
#include "clients/reference/transport/gatherer.h"
#include "clients/reference/transport/ladder.h"
#include "clients/reference/transport/resolver_files.h"

#include <gtest/gtest.h>

namespace crypelab::client::transport::edge_values_test {
namespace {

TEST(IceUris, have_their_defaults) {
  EXPECT_EQ(to_string(*parse_ice_uri("stun:Turn.crype.test")), "stun:Turn.crype.test:3478");
  EXPECT_EQ(to_string(*parse_ice_uri("turn:a.test")), "turn:a.test:3478?transport=udp");
  EXPECT_EQ(to_string(*parse_ice_uri("turns:a.test")), "turns:a.test:5349?transport=tcp");
  EXPECT_EQ(to_string(*parse_ice_uri("turn:[2001:db8::1]:80?transport=TCP")), "turn:[2001:db8::1]:80?transport=tcp");
  EXPECT_EQ(parse_ice_uri("turns:a.test:443?transport=tcp")->over(), RelayedOver::tls);
}

TEST(IceUris, what_is_none_is_said) {
  for (const auto* bad : {"", "a.test", "http:a", "turn:", "turn:a:0", "turn:a:99999",
                          "turn:a:", "turn:a?transport=sctp", "turn:a?x", "stun:a?transport=udp", "stuns:192.0.2.1",
                          "stuns:[2001:db8::1]", "turn:[::1", "turn:a b", "turn:[192.0.2.1]", "turn:a/b", "turn:u@a"}) {
    EXPECT_FALSE(parse_ice_uri(bad)) << bad;
  }
}

std::vector<IceServer> standard_servers() {
  IceServer stun{{*parse_ice_uri("stun:turn.crype.test:3478")}, "", ""};
  IceServer turn{{}, "u", "c"};
  for (const auto* uri : {"turns:turns.crype.test:443?transport=tcp", "turn:turn.crype.test:3478?transport=tcp",
                          "turn:turn.crype.test:3478?transport=udp", "turn:turn443.crype.test:443?transport=udp"}) {
    turn.urls.push_back(*parse_ice_uri(uri));
  }
  return {stun, turn};
}

std::string text_of(const std::vector<PlannedRung>& ladder) {
  std::string text;
  for (const auto& one : ladder) {
    text += (one.uri.over() == RelayedOver::udp   ? "udp"
             : one.uri.over() == RelayedOver::tcp ? "tcp"
                                                  : "tls") +
            std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(one.delay).count()) + " ";
  }
  return text;
}

TEST(Ladder, the_better_transport_begins_and_the_worse_one_does_not_wait_for_its_end) {
  EXPECT_EQ(text_of(plan_ladder(standard_servers(), true, 300ms, {})), "udp0 udp150 tcp300 tls600 ");
  EXPECT_EQ(text_of(plan_ladder(standard_servers(), false, 300ms, {})), "tcp0 tls300 ");
  EXPECT_EQ(text_of(plan_ladder(standard_servers(), true, 300ms, {Rule::u03})), "tls0 tcp300 udp600 udp750 ");
  EXPECT_EQ(text_of(plan_ladder(standard_servers(), true, 300ms, {Rule::w03, Rule::w04})), "udp0 udp150 ");
}

TEST(Ladder, turn_servers_tell_reflexive_addresses_when_there_is_no_stun_server) {
  auto servers = standard_servers();
  EXPECT_EQ(reflexive_servers(servers).size(), 1u);
  servers.erase(servers.begin());
  EXPECT_EQ(reflexive_servers(servers).size(), 2u);
}

TEST(Addresses, families_take_turns_from_ipv6_on) {
  const auto six = *parse_address("2001:db8::1");
  const auto other = *parse_address("2001:db8::2");
  const auto four = *parse_address("192.0.2.1");
  EXPECT_EQ(interlaced({four, six, other}), (std::vector<Address>{six, four, other}));
}

TEST(ResolvConf, is_read_as_the_manual_says) {
  const auto file = parse_resolv_conf(
      "# c\nnameserver 10.0.0.1\nnameserver fe80::1%eth0\r\nnameserver x\nsearch a.test b.test\noptions ndots:2 "
      "rotate\n");
  ASSERT_EQ(file.servers.size(), 2u);
  EXPECT_EQ(names_to_ask(file, "turn"), (std::vector<std::string>{"turn.a.test", "turn.b.test", "turn"}));
  EXPECT_EQ(names_to_ask(file, "x.y.z"), (std::vector<std::string>{"x.y.z", "x.y.z.a.test", "x.y.z.b.test"}));
  EXPECT_EQ(names_to_ask(file, "turn."), (std::vector<std::string>{"turn"}));
  EXPECT_EQ(parse_resolv_conf("").servers.size(), 1u);
  EXPECT_EQ(hosts_of("127.0.0.1 localhost\n192.0.2.1\ta.test A.b # c\n2001:db8::1 a.test\n", "A.Test").size(), 2u);
}

TEST(Nat64, addresses_are_embedded_as_rfc_6052_says) {
  const auto four = *parse_address("192.0.2.33");
  for (const auto& [prefix, result] : {std::pair("2001:db8::/32", "2001:db8:c000:221::"),
                                       {"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
                                       {"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
                                       {"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
                                       {"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"},
                                       {"2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"}}) {
    EXPECT_EQ(to_string(embed(*parse_prefix(prefix), four)), to_string(*parse_address(result))) << prefix;
  }
}

TEST(Diagnosis, what_is_certain_is_told_before_what_is_silent) {
  std::vector<RungReport> reports(3);
  for (auto& one : reports) one.state = RungReport::State::failed;
  reports[0].trouble = {Problem::turn_unreachable, "udp"};
  reports[1].trouble = {Problem::turn_tls_untrusted, "tls"};
  reports[2].trouble = {Problem::proxy_connect_denied, "403"};
  EXPECT_EQ(most_telling(reports)->detail, "tls");
  EXPECT_FALSE(most_telling({}));
}

}  // namespace
}  // namespace crypelab::client::transport::edge_values_test
