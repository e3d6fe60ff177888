#include "harness/kernel/cable.h"

#include "datagram.h"
#include "harness/base/error.h"
#include "harness/kernel/capture.h"
#include "harness/kernel/route.h"
#include "own_network.h"

#include <chrono>
#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <poll.h>

namespace crypelab::kernel::cable_test {
namespace {

constexpr Mac kLeft{2, 0, 0, 0, 0, 1};
constexpr Mac kRight{2, 0, 0, 0, 0, 2};

bool comes_true(const std::function<bool()>& fact) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!fact()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

TEST_F(cable, two_namespaces_may_have_the_same_interface_names) {
  const NetworkNamespace left;
  const NetworkNamespace right;
  Cable cable({left, "eth0", kLeft}, {right, "eth0", kRight});
  EXPECT_EQ(cable.first().state().mac, kLeft);
  EXPECT_EQ(cable.second().state().mac, kRight);
  EXPECT_EQ(Link(left, "eth0").state().mac, kLeft);
  EXPECT_EQ(Link(right, "eth0").state().mac, kRight);
}

TEST_F(cable, ends_are_down_until_they_are_raised) {
  const NetworkNamespace left;
  const NetworkNamespace right;
  Cable cable({left, "eth0", kLeft, 1400}, {right, "wan", kRight, 1400});
  EXPECT_FALSE(cable.first().state().up);
  EXPECT_FALSE(cable.second().state().up);
  EXPECT_EQ(cable.second().state().mtu, 1400U);
  cable.raise();
  EXPECT_TRUE(cable.first().state().up);
  EXPECT_TRUE(cable.first().state().carrier);
  EXPECT_TRUE(cable.second().state().carrier);
}

struct Joined {
  NetworkNamespace left;
  NetworkNamespace right;
  Cable cable{{left, "eth0", kLeft}, {right, "eth0", kRight}};

  Joined() {
    cable.raise();
    cable.first().add(prefix("10.9.0.1/24"));
    cable.first().add(prefix("fd00:9::1/64"));
    cable.second().add(prefix("10.9.0.2/24"));
    cable.second().add(prefix("fd00:9::2/64"));
    cable.first().await_addresses();
    cable.second().await_addresses();
  }
};

TEST_F(cable, packets_cross_it_in_both_families) {
  const Joined hosts;
  const Datagrams left4(hosts.left, "10.9.0.1:7");
  const Datagrams right4(hosts.right, "10.9.0.2:7");
  const Datagrams left6(hosts.left, "[fd00:9::1]:7");
  const Datagrams right6(hosts.right, "[fd00:9::2]:7");
  EXPECT_TRUE(reaches(left4, right4, "10.9.0.2:7"));
  EXPECT_TRUE(reaches(right4, left4, "10.9.0.1:7"));
  EXPECT_TRUE(reaches(left6, right6, "[fd00:9::2]:7"));
  EXPECT_TRUE(reaches(right6, left6, "[fd00:9::1]:7"));
}

TEST_F(cable, addresses_answer_the_first_packet) {
  for (int i = 0; i < 20; ++i) {
    const Joined hosts;
    const Datagrams left6(hosts.left, "[fd00:9::1]:7");
    const Datagrams right6(hosts.right, "[fd00:9::2]:7");
    ASSERT_TRUE(left6.send("[fd00:9::2]:7", "once"));
    ASSERT_EQ(right6.receive(std::chrono::milliseconds(500)), "once");  // a second question comes after 1000 ms
  }
}

TEST_F(cable, a_cut_cable_is_gone_at_both_ends) {
  Joined hosts;
  hosts.cable.cut();
  EXPECT_THROW(Link(hosts.left, "eth0"), Failure);
  EXPECT_THROW(Link(hosts.right, "eth0"), Failure);
}

TEST_F(cable, carrier_loss_is_seen_and_keeps_addresses) {
  Joined hosts;
  const Datagrams left4(hosts.left, "10.9.0.1:7");
  const Datagrams right4(hosts.right, "10.9.0.2:7");
  const Datagrams left6(hosts.left, "[fd00:9::1]:7");
  const Datagrams right6(hosts.right, "[fd00:9::2]:7");
  {
    const CarrierLoss loss(hosts.cable.first(), hosts.cable.second());
    EXPECT_FALSE(hosts.cable.first().state().carrier);
    EXPECT_TRUE(hosts.cable.first().state().up);
    EXPECT_TRUE(never_reaches(left4, right4, "10.9.0.2:7"));
    EXPECT_TRUE(never_reaches(left6, right6, "[fd00:9::2]:7"));
    EXPECT_NO_THROW(Datagrams(hosts.left, "[fd00:9::1]:8"));  // the address is still there
    EXPECT_NO_THROW(Datagrams(hosts.left, "10.9.0.1:8"));
  }
  EXPECT_TRUE(hosts.cable.first().state().carrier);
  EXPECT_TRUE(reaches(left4, right4, "10.9.0.2:7"));
  EXPECT_TRUE(reaches(left6, right6, "[fd00:9::2]:7"));
  EXPECT_TRUE(reaches(right6, left6, "[fd00:9::1]:7"));
}

TEST_F(cable, the_far_end_gets_its_routes_back_with_the_carrier) {
  Joined hosts;
  hosts.cable.first().add(prefix("192.0.2.1/32"));
  hosts.cable.first().add(prefix("2001:db8::1/128"));
  add(hosts.right, {prefix("192.0.2.0/24"), address("10.9.0.1")});
  add(hosts.right, Route{.to = prefix("2001:db8::/64"), .via = address("fd00:9::1"), .metric = 7});
  add(hosts.right, Route{.to = prefix("198.51.100.0/24"),
                         .via = address("203.0.113.1"),
                         .device = "eth0",
                         .onlink = true,
                         .table = 9});
  const Datagrams near4(hosts.left, "192.0.2.1:7");
  const Datagrams near6(hosts.left, "[2001:db8::1]:7");
  const Datagrams far4(hosts.right, "10.9.0.2:7");
  const Datagrams far6(hosts.right, "[fd00:9::2]:7");
  ASSERT_TRUE(reaches(far4, near4, "192.0.2.1:7"));
  { const CarrierLoss loss(hosts.cable.first(), hosts.cable.second()); }
  EXPECT_TRUE(reaches(far4, near4, "192.0.2.1:7"));
  EXPECT_TRUE(reaches(far6, near6, "[2001:db8::1]:7"));
  EXPECT_NO_THROW(remove(hosts.right, Route{.to = prefix("2001:db8::/64"), .via = address("fd00:9::1"), .metric = 7}));
  EXPECT_NO_THROW(remove(hosts.right, Route{.to = prefix("198.51.100.0/24"), .device = "eth0", .table = 9}));
}

TEST_F(link, going_down_stops_packets_and_going_up_lets_them_pass) {
  Joined hosts;
  const Datagrams left(hosts.left, "10.9.0.1:7");
  const Datagrams right(hosts.right, "10.9.0.2:7");
  ASSERT_TRUE(reaches(left, right, "10.9.0.2:7"));
  hosts.cable.first().down();
  EXPECT_TRUE(never_reaches(left, right, "10.9.0.2:7"));
  hosts.cable.first().up();
  EXPECT_TRUE(reaches(left, right, "10.9.0.2:7"));
}

TEST_F(link, the_mtu_changes_at_run_time) {
  Joined hosts;
  const Datagrams left(hosts.left, "10.9.0.1:7");
  const Datagrams right(hosts.right, "10.9.0.2:7");
  hosts.cable.first().set_mtu(1280);
  EXPECT_EQ(hosts.cable.first().state().mtu, 1280U);
  const auto before = hosts.cable.second().state().statistics.received_packets;
  ASSERT_TRUE(left.send("10.9.0.2:7", std::string(1400, 'x')));
  EXPECT_EQ(right.receive(std::chrono::seconds(2)), std::string(1400, 'x'));
  EXPECT_GE(hosts.cable.second().state().statistics.received_packets, before + 2);  // in fragments
}

TEST_F(link, a_removed_address_is_gone) {
  Joined hosts;
  hosts.cable.first().remove(prefix("10.9.0.1/24"));
  hosts.cable.first().remove(prefix("fd00:9::1/64"));
  EXPECT_THROW(Datagrams(hosts.left, "10.9.0.1:7"), Failure);
  EXPECT_THROW(Datagrams(hosts.left, "[fd00:9::1]:7"), Failure);
}

TEST_F(link, an_unknown_interface_is_named_in_the_failure) {
  const NetworkNamespace empty;
  try {
    const Link link(empty, "eth7");
    FAIL() << "found " << link.name();
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find("eth7"), std::string::npos) << failure.what();
  }
}

TEST_F(link, statistics_count_what_passed) {
  const Joined hosts;
  const Datagrams left(hosts.left, "10.9.0.1:7");
  const Datagrams right(hosts.right, "10.9.0.2:7");
  ASSERT_TRUE(reaches(left, right, "10.9.0.2:7"));
  const auto before = Link(hosts.right, "eth0").state().statistics;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(left.send("10.9.0.2:7", std::string(100, 'x')));
  EXPECT_TRUE(comes_true(
      [&] { return Link(hosts.right, "eth0").state().statistics.received_packets >= before.received_packets + 10; }));
  const auto after = Link(hosts.right, "eth0").state().statistics;
  EXPECT_GE(after.received_bytes - before.received_bytes, 10U * (14 + 20 + 8 + 100));
}

}  // namespace
}  // namespace crypelab::kernel::cable_test
