#include "harness/kernel/route.h"

#include "datagram.h"
#include "harness/base/error.h"
#include "harness/kernel/cable.h"
#include "own_network.h"

#include <cerrno>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace crypelab::kernel::route_test {
namespace {

// host -- router -- far, both families; `far` answers for 198.51.100.1 and 2001:db8::1.
struct Routed {
  NetworkNamespace host;
  NetworkNamespace router;
  NetworkNamespace far;
  Cable lan{{host, "eth0", {2, 0, 0, 0, 0, 1}}, {router, "lan", {2, 0, 0, 0, 0, 2}}};
  Cable wan{{router, "wan", {2, 0, 0, 0, 0, 3}}, {far, "eth0", {2, 0, 0, 0, 0, 4}}};

  Routed() {
    router.sysctl("net/ipv4/ip_forward", "1");
    router.sysctl("net/ipv6/conf/all/forwarding", "1");
    lan.raise();
    wan.raise();
    lan.first().add(prefix("10.1.0.2/24"));
    lan.first().add(prefix("fd00:1::2/64"));
    lan.second().add(prefix("10.1.0.1/24"));
    lan.second().add(prefix("fd00:1::1/64"));
    wan.first().add(prefix("10.2.0.1/24"));
    wan.first().add(prefix("fd00:2::1/64"));
    wan.second().add(prefix("10.2.0.2/24"));
    wan.second().add(prefix("fd00:2::2/64"));
    wan.second().add(prefix("198.51.100.1/32"));
    wan.second().add(prefix("2001:db8::1/128"));
    add(router, {prefix("198.51.100.0/24"), address("10.2.0.2")});
    add(router, {prefix("2001:db8::/32"), address("fd00:2::2")});
    add(far, {prefix("0.0.0.0/0"), address("10.2.0.1")});
    add(far, {prefix("::/0"), address("fd00:2::1")});
    for (const auto* link : {&lan.first(), &lan.second(), &wan.first(), &wan.second()}) link->await_addresses();
  }
};

struct Ends {
  Datagrams near4;
  Datagrams near6;
  Datagrams far4;
  Datagrams far6;

  explicit Ends(const Routed& net)
      : near4(net.host, "10.1.0.2:7"),
        near6(net.host, "[fd00:1::2]:7"),
        far4(net.far, "198.51.100.1:7"),
        far6(net.far, "[2001:db8::1]:7") {}
  bool v4() const { return reaches(near4, far4, "198.51.100.1:7"); }
  bool v6() const { return reaches(near6, far6, "[2001:db8::1]:7"); }
};

TEST_F(route, a_router_forwards_in_both_families) {
  const Routed net;
  add(net.host, {prefix("0.0.0.0/0"), address("10.1.0.1")});
  add(net.host, {prefix("::/0"), address("fd00:1::1")});
  const Ends ends(net);
  EXPECT_TRUE(ends.v4());
  EXPECT_TRUE(ends.v6());
}

TEST_F(route, adding_one_twice_is_an_error_that_names_it_and_replacing_is_none) {
  const Routed net;
  const Route route{prefix("198.51.100.0/24"), address("10.1.0.1")};
  add(net.host, route);
  EXPECT_NO_THROW(replace(net.host, route));
  try {
    add(net.host, route);
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("198.51.100.0/24 via 10.1.0.1"), std::string::npos) << failure.what();
  }
}

TEST_F(route, a_removed_route_leads_nowhere) {
  const Routed net;
  for (const auto& route :
       {Route{prefix("0.0.0.0/0"), address("10.1.0.1")}, Route{prefix("::/0"), address("fd00:1::1")}}) {
    add(net.host, route);
    remove(net.host, route);
  }
  const Ends ends(net);
  EXPECT_FALSE(ends.near4.send("198.51.100.1:7", "x"));
  EXPECT_EQ(errno, ENETUNREACH);
  EXPECT_FALSE(ends.near6.send("[2001:db8::1]:7", "x"));
  EXPECT_EQ(errno, ENETUNREACH);
}

TEST_F(route, an_onlink_gateway_needs_no_subnet) {
  const Routed net;
  net.router.sysctl("net/ipv4/conf/lan/proxy_arp", "1");
  add(net.host, Route{.to = prefix("0.0.0.0/0"), .via = address("192.0.2.1"), .device = "eth0", .onlink = true});
  Link(net.router, "lan").add(prefix("192.0.2.1/32"));
  const Ends ends(net);
  EXPECT_TRUE(ends.v4());
}

TEST_F(route, a_black_hole_swallows_in_both_families) {
  const Routed net;
  add(net.host, {prefix("0.0.0.0/0"), address("10.1.0.1")});
  add(net.host, {prefix("::/0"), address("fd00:1::1")});
  add(net.router, Route{.to = prefix("198.51.100.1/32"), .blackhole = true});
  add(net.router, Route{.to = prefix("2001:db8::1/128"), .blackhole = true});
  const Ends ends(net);
  EXPECT_TRUE(never_reaches(ends.near4, ends.far4, "198.51.100.1:7"));
  EXPECT_TRUE(never_reaches(ends.near6, ends.far6, "[2001:db8::1]:7"));
  remove(net.router, Route{.to = prefix("198.51.100.1/32"), .blackhole = true});
  remove(net.router, Route{.to = prefix("2001:db8::1/128"), .blackhole = true});
  EXPECT_TRUE(ends.v4());
  EXPECT_TRUE(ends.v6());
}

TEST_F(route, the_lower_metric_wins) {
  const Routed net;
  add(net.host, Route{.to = prefix("0.0.0.0/0"), .via = address("10.1.0.1"), .metric = 10});
  add(net.host, Route{.to = prefix("0.0.0.0/0"), .via = address("10.1.0.99"), .metric = 20});
  const Ends ends(net);
  EXPECT_TRUE(ends.v4());
  remove(net.host, Route{.to = prefix("0.0.0.0/0"), .via = address("10.1.0.1"), .metric = 10});
  EXPECT_TRUE(never_reaches(ends.near4, ends.far4, "198.51.100.1:7"));
}

TEST_F(policy_rule, a_source_chooses_its_table_in_both_families) {
  const Routed net;
  constexpr std::uint32_t kTable = 100;
  add(net.host, Route{.to = prefix("0.0.0.0/0"), .via = address("10.1.0.1"), .table = kTable});
  add(net.host, Route{.to = prefix("::/0"), .via = address("fd00:1::1"), .table = kTable});
  const Ends ends(net);
  EXPECT_FALSE(ends.near4.send("198.51.100.1:7", "x"));
  const PolicyRule from4{.family = Family::v4, .priority = 50, .table = kTable, .from = prefix("10.1.0.0/24")};
  const PolicyRule from6{.family = Family::v6, .priority = 50, .table = kTable, .from = prefix("fd00:1::/64")};
  add(net.host, from4);
  add(net.host, from6);
  EXPECT_TRUE(ends.v4());
  EXPECT_TRUE(ends.v6());
  remove(net.host, from4);
  EXPECT_FALSE(ends.near4.send("198.51.100.1:7", "x"));
}

TEST_F(policy_rule, a_mark_chooses_its_table) {
  const Routed net;
  constexpr std::uint32_t kTable = 100;
  constexpr std::uint32_t kMark = 0x17;
  add(net.host, Route{.to = prefix("0.0.0.0/0"), .via = address("10.1.0.1"), .table = kTable});
  add(net.host, PolicyRule{.priority = 50, .table = kTable, .mark = kMark});
  const Ends ends(net);
  EXPECT_FALSE(ends.near4.send("198.51.100.1:7", "x"));
  ASSERT_EQ(::setsockopt(ends.near4.descriptor(), SOL_SOCKET, SO_MARK, &kMark, sizeof kMark), 0);
  EXPECT_TRUE(ends.v4());
}

TEST_F(policy_rule, an_incoming_interface_and_a_destination_choose_their_table) {
  const Routed net;
  constexpr std::uint32_t kTable = 100;
  add(net.host, {prefix("0.0.0.0/0"), address("10.1.0.1")});
  const Ends ends(net);
  ASSERT_TRUE(ends.v4());
  add(net.router, Route{.to = prefix("0.0.0.0/0"), .blackhole = true, .table = kTable});
  const PolicyRule rule{.priority = 50, .table = kTable, .to = prefix("198.51.100.0/24"), .incoming = "lan"};
  add(net.router, rule);
  EXPECT_TRUE(never_reaches(ends.near4, ends.far4, "198.51.100.1:7"));
  remove(net.router, rule);
  EXPECT_TRUE(ends.v4());
}

TEST_F(policy_rule, a_user_chooses_its_table) {
  const Routed net;
  constexpr std::uint32_t kTable = 100;
  const PolicyRule rule{.priority = 50, .table = kTable, .user = ::geteuid()};
  add(net.host, Route{.to = prefix("0.0.0.0/0"), .via = address("10.1.0.1"), .table = kTable});
  const Ends ends(net);
  EXPECT_FALSE(ends.near4.send("198.51.100.1:7", "x"));
  add(net.host, rule);
  EXPECT_TRUE(ends.v4());
}

}  // namespace
}  // namespace crypelab::kernel::route_test
