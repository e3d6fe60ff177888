#include "drawn_network.h"

#include <cerrno>
#include <string>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace crypelab::testing::too_big_test {
namespace {

model::Scenario narrow(bool too_big) {
  model::Scenario scenario;
  scenario.name = "narrow";
  model::Site site;
  site.name = "office";
  site.subnet4 = *parse_prefix("198.19.1.0/24");
  site.subnet6 = *parse_prefix("2001:db8:20::/64");
  site.uplink.mtu = 1300;
  site.uplink.too_big = too_big;
  scenario.sites.push_back(site);
  scenario.clients.push_back({"alice", {"office"}, {}});
  return scenario;
}

// Sends 1400 bytes that no router may cut, to a connected socket's peer.
void send_long(const UdpSocket& socket, const Endpoint& to) {
  socket.connect(to);
  const int probe = IP_PMTUDISC_PROBE;
  if (to.address.is_v4()) {
    ASSERT_EQ(::setsockopt(socket.descriptor(), SOL_IP, IP_MTU_DISCOVER, &probe, sizeof probe), 0);
  } else {
    ASSERT_EQ(::setsockopt(socket.descriptor(), SOL_IPV6, IPV6_MTU_DISCOVER, &probe, sizeof probe), 0);
  }
  const std::string text(1400 - (to.address.is_v4() ? 28 : 48), 'x');
  ASSERT_EQ(::send(socket.descriptor(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
}

class too_big : public ::testing::TestWithParam<Family> {
 protected:
  Endpoint alice() const { return endpoint(GetParam() == Family::v4 ? "198.19.1.10:5000" : "[2001:db8:20::a]:5000"); }
  Endpoint turn() const { return endpoint(GetParam() == Family::v4 ? "203.0.113.20:9" : "[2001:db8:113::20]:9"); }
};

TEST_P(too_big, is_said_in_both_directions) {
  const DrawnNetwork network(narrow(true), {"turn-a"});
  const UdpSocket inside(network["alice"], alice());
  const UdpSocket outside(network["turn-a"], turn());
  send_long(inside, turn());
  EXPECT_EQ(inside.error(), EMSGSIZE);
  send_long(outside, alice());
  EXPECT_EQ(outside.error(), EMSGSIZE);
}

TEST_P(too_big, is_withheld_in_both_directions) {
  const DrawnNetwork network(narrow(false), {"turn-a"});
  const UdpSocket inside(network["alice"], alice());
  const UdpSocket outside(network["turn-a"], turn());
  send_long(inside, turn());
  EXPECT_EQ(network.count("office.edge", "too_big_withheld"), 1U);
  EXPECT_FALSE(outside.look());
  send_long(outside, alice());
  EXPECT_EQ(network.count("internet", "too_big_withheld_site0"), 1U);
  EXPECT_FALSE(inside.look());
}

INSTANTIATE_TEST_SUITE_P(both_families, too_big, ::testing::Values(Family::v4, Family::v6),
                         [](const auto& chosen) { return chosen.param == Family::v4 ? "v4" : "v6"; });

}  // namespace
}  // namespace crypelab::testing::too_big_test
