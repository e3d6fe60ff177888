#include "drawn_network.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace crypelab::testing::loss_test {
namespace {

constexpr int kPackets = 1000;

model::Scenario home(const model::Uplink& uplink, bool carrier = false) {
  model::Scenario scenario;
  scenario.name = "loss";
  model::Site site;
  site.name = "home";
  site.subnet4 = *parse_prefix("198.19.1.0/24");
  site.uplink = uplink;
  if (carrier) site.carrier = model::Nat{};
  scenario.sites.push_back(site);
  scenario.clients.push_back({"alice", {"home"}, {}});
  return scenario;
}

const Endpoint kAlice = endpoint("198.19.1.10:5000");
const Endpoint kTurn = endpoint("203.0.113.20:3478");

// The numbers, from 1, of those of `kPackets` datagrams that do not arrive.
std::set<int> lost(const UdpSocket& from, const UdpSocket& at, const Endpoint& to) {
  std::set<int> missing;
  for (int i = 1; i <= kPackets; ++i) {
    missing.insert(i);
    EXPECT_EQ(from.send(to, std::to_string(i)), 0);
    while (const auto received = at.look()) missing.erase(std::stoi(received->text));
  }
  while (const auto received = at.receive_within(20)) missing.erase(std::stoi(received->text));
  return missing;
}

struct Way {
  bool up;
  const char* host;
  const char* counter;
};

TEST(loss, random_loss_has_its_exact_share_and_repeats) {
  for (const auto& way : {Way{true, "internet", "lost_site0"}, Way{false, "home.edge", "lost_wan0"}}) {
    std::set<int> before;
    for (int run = 0; run < 2; ++run) {
      model::Uplink uplink;
      (way.up ? uplink.up : uplink.down).loss = model::RandomLoss{Ratio{100'000}, 7};
      const DrawnNetwork network(home(uplink), {"turn-a"});
      const UdpSocket alice(network["alice"], kAlice);
      const UdpSocket turn(network["turn-a"], kTurn);
      const auto missing = way.up ? lost(alice, turn, kTurn) : lost(turn, alice, kAlice);
      EXPECT_EQ(missing.size(), 100U);
      EXPECT_EQ(network.count(way.host, way.counter), 100U);
      if (run == 1) {
        EXPECT_EQ(missing, before);
      }
      before = missing;
      EXPECT_TRUE((way.up ? lost(turn, alice, kAlice) : lost(alice, turn, kTurn)).empty()) << "the other direction";
    }
  }
}

TEST(loss, another_seed_loses_other_packets) {
  std::set<std::set<int>> seen;
  for (const std::uint32_t seed : {1U, 2U}) {
    model::Uplink uplink;
    uplink.up.loss = model::RandomLoss{Ratio{100'000}, seed};
    const DrawnNetwork network(home(uplink), {"turn-a"});
    const UdpSocket alice(network["alice"], kAlice);
    const UdpSocket turn(network["turn-a"], kTurn);
    seen.insert(lost(alice, turn, kTurn));
  }
  EXPECT_EQ(seen.size(), 2U);
}

TEST(loss, bursts_have_their_share_and_their_length) {
  model::Uplink uplink;
  uplink.down.loss = model::BurstLoss{Ratio{200'000}, 4, 3};
  const DrawnNetwork network(home(uplink), {"turn-a"});
  const UdpSocket alice(network["alice"], kAlice);
  const UdpSocket turn(network["turn-a"], kTurn);
  const auto missing = lost(turn, alice, kAlice);
  EXPECT_EQ(missing.size(), 200U);
  int bursts = 0;
  for (const int packet : missing) bursts += missing.contains(packet - 1) ? 0 : 1;
  EXPECT_EQ(bursts, 50);
}

TEST(loss, a_packet_list_loses_exactly_these_behind_a_carrier_too) {
  for (const bool carrier : {false, true}) {
    model::Uplink uplink;
    uplink.up.loss = model::PacketListLoss{{1, 10, 257, 999}};
    const DrawnNetwork network(home(uplink, carrier), {"turn-a"});
    const UdpSocket alice(network["alice"], kAlice);
    const UdpSocket turn(network["turn-a"], kTurn);
    EXPECT_EQ(lost(alice, turn, kTurn), (std::set<int>{1, 10, 257, 999}));
    EXPECT_EQ(network.count(carrier ? "home.carrier" : "internet", carrier ? "lost_lan0" : "lost_site0"), 4U);
  }
}

TEST(loss, a_step_changes_it) {
  auto scenario = home({});
  model::Uplink bad;
  bad.up.loss = model::RandomLoss{Ratio{250'000}, 1};
  scenario.steps.push_back({std::chrono::seconds(20), model::ChangeUplink{"home", bad}});
  const DrawnNetwork network(scenario, {"turn-a"});
  const UdpSocket alice(network["alice"], kAlice);
  const UdpSocket turn(network["turn-a"], kTurn);
  EXPECT_TRUE(lost(alice, turn, kTurn).empty());
  network.load_step(0);
  EXPECT_EQ(lost(alice, turn, kTurn).size(), 250U);
}

}  // namespace
}  // namespace crypelab::testing::loss_test
