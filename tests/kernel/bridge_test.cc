#include "datagram.h"
#include "harness/kernel/cable.h"
#include "own_network.h"

#include <deque>
#include <string>

#include <gtest/gtest.h>

namespace crypelab::kernel::bridge_test {
namespace {

// A switch with three hosts, 10.3.0.1 to 10.3.0.3 and fd00:3::1 to fd00:3::3.
struct Segment {
  NetworkNamespace middle;
  Link bridge = make_bridge(middle, "br0", {2, 0, 0, 0, 9, 9});
  std::deque<NetworkNamespace> hosts;
  std::deque<Cable> cables;

  Segment() {
    for (int i = 1; i <= 3; ++i) {
      const auto& host = hosts.emplace_back();
      const auto number = std::to_string(i);
      const auto mac = static_cast<std::uint8_t>(i);
      auto& cable = cables.emplace_back(CableEnd{host, "eth0", {2, 0, 0, 0, 0, mac}},
                                        CableEnd{middle, "port" + number, {2, 0, 0, 0, 1, mac}});
      cable.second().join(bridge);
      cable.raise();
      cable.first().add(prefix(("10.3.0." + number + "/24").c_str()));
      cable.first().add(prefix(("fd00:3::" + number + "/64").c_str()));
      cable.first().await_addresses();
    }
  }
  Datagrams v4(std::size_t host) const { return {hosts[host - 1], ("10.3.0." + std::to_string(host) + ":7").c_str()}; }
  Datagrams v6(std::size_t host) const {
    return {hosts[host - 1], ("[fd00:3::" + std::to_string(host) + "]:7").c_str()};
  }
};

TEST_F(bridge, every_port_reaches_every_other_at_once) {
  const Segment segment;
  EXPECT_TRUE(reaches(segment.v4(1), segment.v4(2), "10.3.0.2:7"));
  EXPECT_TRUE(reaches(segment.v6(1), segment.v6(3), "[fd00:3::3]:7"));
  EXPECT_EQ(segment.cables[0].second().state().master, segment.bridge.index());
}

TEST_F(bridge, a_port_forwards_from_the_first_packet_on) {
  for (int i = 0; i < 10; ++i) {
    const Segment segment;
    const auto one = segment.v4(1);
    const auto two = segment.v4(2);
    ASSERT_TRUE(one.send("10.3.0.2:7", "once"));
    ASSERT_EQ(two.receive(std::chrono::milliseconds(500)), "once");  // a second ARP request comes after 1000 ms
  }
}

TEST_F(bridge, an_isolated_port_cannot_reach_its_neighbour) {
  Segment segment;
  segment.cables[0].second().set_isolated(true);
  segment.cables[1].second().set_isolated(true);
  const auto one4 = segment.v4(1);
  const auto two4 = segment.v4(2);
  const auto gateway4 = segment.v4(3);
  const auto one6 = segment.v6(1);
  const auto two6 = segment.v6(2);
  const auto gateway6 = segment.v6(3);
  EXPECT_TRUE(reaches(one4, gateway4, "10.3.0.3:7"));
  EXPECT_TRUE(reaches(gateway4, two4, "10.3.0.2:7"));
  EXPECT_TRUE(reaches(one6, gateway6, "[fd00:3::3]:7"));
  EXPECT_TRUE(never_reaches(one4, two4, "10.3.0.2:7"));
  EXPECT_TRUE(never_reaches(two6, one6, "[fd00:3::1]:7"));
  segment.cables[1].second().set_isolated(false);
  EXPECT_TRUE(reaches(one4, two4, "10.3.0.2:7"));
  EXPECT_TRUE(reaches(two6, one6, "[fd00:3::1]:7"));
}

TEST_F(bridge, an_unplugged_port_reaches_nobody) {
  Segment segment;
  const auto one = segment.v4(1);
  const auto two = segment.v4(2);
  ASSERT_TRUE(reaches(one, two, "10.3.0.2:7"));
  segment.cables[1].second().leave();
  EXPECT_TRUE(never_reaches(one, two, "10.3.0.2:7"));
  segment.cables[1].second().join(segment.bridge);
  EXPECT_TRUE(reaches(one, two, "10.3.0.2:7"));
}

}  // namespace
}  // namespace crypelab::kernel::bridge_test
