#include "drawn_network.h"

#include <cerrno>
#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

namespace crypelab::testing::egress_test {
namespace {

using model::Match;
using model::Protocol;

// Both families, no NAT: what the border does is what is seen.
model::Scenario office(std::vector<model::EgressRule> rules) {
  model::Scenario scenario;
  scenario.name = "egress";
  model::Site site;
  site.name = "office";
  site.subnet4 = *parse_prefix("10.20.0.0/24");
  site.subnet6 = *parse_prefix("2001:db8:20::/64");
  site.egress = std::move(rules);
  scenario.sites.push_back(site);
  scenario.clients.push_back({"alice", {"office"}, {}});
  return scenario;
}

Match of(Protocol protocol) {
  Match match;
  match.protocol = protocol;
  return match;
}
Match all() { return {}; }
model::EgressRule rule(model::Action action, Match match) { return {std::move(action), std::move(match), 7}; }

struct Ends {
  Endpoint inside;
  Endpoint outside;
};

class egress : public ::testing::TestWithParam<Family> {
 protected:
  bool v4() const { return GetParam() == Family::v4; }
  Ends ends(std::uint16_t port = 3478) const {
    return v4() ? Ends{{*parse_address("10.20.0.10"), 5000}, {*parse_address("203.0.113.20"), port}}
                : Ends{{*parse_address("2001:db8:20::a"), 5000}, {*parse_address("2001:db8:113::20"), port}};
  }
  const std::vector<std::string> world_{"turn-a"};
};

// How many of `count` datagrams that are sent one after another arrive, by their numbers from 1.
std::set<int> arrivals(const UdpSocket& from, const UdpSocket& at, const Endpoint& to, int count) {
  std::set<int> arrived;
  for (int i = 1; i <= count; ++i) {
    EXPECT_EQ(from.send(to, std::to_string(i)), 0);
    while (const auto received = at.look()) arrived.insert(std::stoi(received->text));
  }
  while (const auto received = at.receive_within(20)) arrived.insert(std::stoi(received->text));
  return arrived;
}

TEST_P(egress, what_is_allowed_passes_both_ways_and_is_counted_both_ways) {
  const DrawnNetwork network(office({rule(model::Allow{}, of(Protocol::udp))}), world_);
  const UdpSocket alice(network["alice"], ends().inside);
  const UdpSocket turn(network["turn-a"], ends().outside);
  ASSERT_EQ(alice.send(ends().outside), 0);
  const auto received = turn.receive();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->from, ends().inside);
  ASSERT_EQ(turn.send(received->from), 0);
  EXPECT_TRUE(alice.receive());
  EXPECT_EQ(network.count("office.edge", "egress_1_out"), 1U);
  EXPECT_EQ(network.count("office.edge", "egress_1_in"), 1U);
}

TEST_P(egress, what_no_rule_matches_is_dropped) {
  const DrawnNetwork network(office({rule(model::Allow{}, of(Protocol::tcp))}), world_);
  const UdpSocket alice(network["alice"], ends().inside);
  const UdpSocket turn(network["turn-a"], ends().outside);
  ASSERT_EQ(alice.send(ends().outside), 0);
  EXPECT_EQ(network.count("office.edge", "egress_default_out"), 1U);
  EXPECT_FALSE(turn.look());
  EXPECT_EQ(network.count("office.edge", "egress_1_out"), 0U);
}

TEST_P(egress, the_first_match_decides) {
  Match port = of(Protocol::udp);
  port.ports = {{3478, 3480}};
  const DrawnNetwork network(office({rule(model::Drop{}, port), rule(model::Allow{}, of(Protocol::udp))}), world_);
  const UdpSocket alice(network["alice"], ends().inside);
  for (const auto& [number, passes] :
       {std::pair(3477, true), std::pair(3478, false), std::pair(3480, false), std::pair(3481, true)}) {
    const auto to = ends(static_cast<std::uint16_t>(number)).outside;
    const UdpSocket turn(network["turn-a"], to);
    ASSERT_EQ(alice.send(to), 0);
    EXPECT_EQ(turn.look().has_value(), passes) << number;
  }
  EXPECT_EQ(network.count("office.edge", "egress_1_out"), 2U);
  EXPECT_EQ(network.count("office.edge", "egress_2_out"), 2U);
}

TEST_P(egress, a_rule_may_name_destinations) {
  Match there = all();
  there.to = {*parse_prefix("203.0.113.16/29"), *parse_prefix("203.0.113.20/32"),
              *parse_prefix("2001:db8:113::20/124")};
  const DrawnNetwork network(office({rule(model::Allow{}, there)}), world_);
  const UdpSocket alice(network["alice"], ends().inside);
  const UdpSocket turn(network["turn-a"], ends().outside);
  ASSERT_EQ(alice.send(ends().outside), 0);
  EXPECT_TRUE(turn.receive());
  const auto elsewhere = v4() ? endpoint("203.0.113.80:9") : endpoint("[2001:db8:113::80]:9");
  ASSERT_EQ(alice.send(elsewhere), 0);
  EXPECT_EQ(network.count("office.edge", "egress_default_out"), 1U);
}

TEST_P(egress, nothing_comes_in_unasked) {
  const DrawnNetwork network(office({rule(model::Allow{}, all())}), world_);
  const UdpSocket alice(network["alice"], ends().inside);
  const UdpSocket turn(network["turn-a"], ends().outside);
  ASSERT_EQ(turn.send(ends().inside), 0);
  EXPECT_EQ(network.count("office.edge", "unsolicited"), 1U);
  EXPECT_FALSE(alice.look());
}

TEST_P(egress, an_open_site_lets_everything_in) {
  auto scenario = office({});
  scenario.sites.front().egress.reset();
  const DrawnNetwork network(scenario, world_);
  const UdpSocket alice(network["alice"], ends().inside);
  const UdpSocket turn(network["turn-a"], ends().outside);
  ASSERT_EQ(turn.send(ends().inside), 0);
  EXPECT_TRUE(alice.receive());
}

TEST_P(egress, reject_says_why) {
  const std::vector<std::pair<model::Unreachable, std::pair<int, int>>> words{
      {model::Unreachable::admin_prohibited, {EHOSTUNREACH, EACCES}},
      {model::Unreachable::port, {ECONNREFUSED, ECONNREFUSED}},
      {model::Unreachable::host, {EHOSTUNREACH, EHOSTUNREACH}},
      {model::Unreachable::network, {ENETUNREACH, ENETUNREACH}}};
  for (const auto& [word, errors] : words) {
    const DrawnNetwork network(office({rule(model::Reject{word}, all())}), world_);
    const UdpSocket alice(network["alice"], ends().inside);
    alice.connect(ends().outside);
    // More than the kernel's own limits on ICMP would let through.
    for (int i = 0; i < 20; ++i) {
      ASSERT_EQ(::send(alice.descriptor(), "x", 1, 0), 1);
      EXPECT_EQ(alice.error(), v4() ? errors.first : errors.second) << i;
    }
    EXPECT_EQ(network.count("office.edge", "egress_1_out"), 20U);
    EXPECT_EQ(connect_tcp(network["alice"], std::nullopt, ends(443).outside, 4000).error,
              v4() ? errors.first : errors.second);
  }
}

TEST_P(egress, reset_answers_tcp_and_leaves_the_rest_alone) {
  const DrawnNetwork network(office({rule(model::Reset{}, all()), rule(model::Allow{}, all())}), world_);
  const auto listener = listen_tcp(network["turn-a"], ends().outside);
  EXPECT_EQ(connect_tcp(network["alice"], std::nullopt, ends().outside).error, ECONNREFUSED);
  const UdpSocket alice(network["alice"], ends().inside);
  const UdpSocket turn(network["turn-a"], ends().outside);
  ASSERT_EQ(alice.send(ends().outside), 0);
  EXPECT_TRUE(turn.receive());
}

// What a stream says: bytes, end, or an error.
int stream_error(const Descriptor& socket) {
  char byte = 0;
  pollfd readable{socket.get(), POLLIN, 0};
  if (::poll(&readable, 1, 1000) != 1) return ETIMEDOUT;
  return ::recv(socket.get(), &byte, 1, 0) < 0 ? errno : 0;
}

TEST_P(egress, a_rule_that_changes_in_the_middle_of_a_flow_ends_it_in_both_directions) {
  auto scenario = office({rule(model::Allow{}, all())});
  scenario.steps.push_back({std::chrono::seconds(1), model::ChangeEgress{"office", {rule(model::Drop{}, all())}}});
  scenario.steps.push_back({std::chrono::seconds(2), model::ChangeEgress{"office", {rule(model::Reset{}, all())}}});
  const DrawnNetwork network(scenario, world_);
  const UdpSocket alice(network["alice"], ends().inside);
  const UdpSocket turn(network["turn-a"], ends().outside);
  const auto listener = listen_tcp(network["turn-a"], ends().outside);
  const auto call = connect_tcp(network["alice"], std::nullopt, ends().outside);
  ASSERT_EQ(call.error, 0);
  const auto accepted = accept_tcp(listener);
  ASSERT_TRUE(accepted);
  ASSERT_EQ(alice.send(ends().outside), 0);
  ASSERT_TRUE(turn.receive());
  ASSERT_EQ(turn.send(ends().inside), 0);
  ASSERT_TRUE(alice.receive());

  network.load_step(0);
  ASSERT_EQ(alice.send(ends().outside), 0);
  EXPECT_EQ(network.count("office.edge", "egress_2_1_out"), 1U);
  EXPECT_FALSE(turn.look());
  ASSERT_EQ(turn.send(ends().inside), 0);
  EXPECT_EQ(network.count("office.edge", "egress_2_1_in"), 1U);
  EXPECT_FALSE(alice.look());
  // What the first list had counted is still known.
  EXPECT_GE(network.count("office.edge", "egress_1_in"), 2U);

  network.load_step(1);
  ASSERT_EQ(::send(call.socket.get(), "x", 1, 0), 1);
  EXPECT_EQ(stream_error(call.socket), ECONNRESET);
}

TEST_P(egress, after_so_many_bytes_a_flow_falls_silent_both_ways) {
  // Whole packets count: 20 or 40 bytes of IP, 8 of UDP, 100 of text.
  const std::uint64_t packet = (v4() ? 20 : 40) + 8 + 100;
  const DrawnNetwork network(
      office({rule(model::AcceptThenDrop{ByteCount{4 * packet}, std::nullopt}, of(Protocol::udp))}), world_);
  const UdpSocket alice(network["alice"], ends().inside);
  const UdpSocket turn(network["turn-a"], ends().outside);
  const std::string text(100, 'x');
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(alice.send(ends().outside, text), 0);
    EXPECT_TRUE(turn.receive());
  }
  ASSERT_EQ(turn.send(ends().inside, text), 0);
  EXPECT_TRUE(alice.receive());
  ASSERT_EQ(alice.send(ends().outside, text), 0);
  EXPECT_EQ(network.count("office.edge", "egress_1_stopped_out"), 1U);
  EXPECT_FALSE(turn.look());
  ASSERT_EQ(turn.send(ends().inside, text), 0);
  EXPECT_EQ(network.count("office.edge", "egress_1_stopped_in"), 1U);
  EXPECT_FALSE(alice.look());
  // Another flow has an account of its own.
  const UdpSocket another(network["alice"], {ends().inside.address, 5001});
  ASSERT_EQ(another.send(ends().outside, text), 0);
  EXPECT_TRUE(turn.receive());
}

TEST_P(egress, after_so_long_a_flow_falls_silent_both_ways) {
  const auto time = std::chrono::milliseconds(300);
  const DrawnNetwork network(office({rule(model::AcceptThenDrop{std::nullopt, time}, of(Protocol::udp))}), world_);
  const UdpSocket alice(network["alice"], ends().inside);
  const UdpSocket turn(network["turn-a"], ends().outside);
  const auto begun = std::chrono::steady_clock::now();
  int passed = 0;
  while (network.count("office.edge", "egress_1_stopped_out") == 0 &&
         std::chrono::steady_clock::now() - begun < std::chrono::seconds(5)) {
    ASSERT_EQ(alice.send(ends().outside), 0);
    if (turn.receive_within(10)) ++passed;
  }
  EXPECT_GT(passed, 0);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, time);
  ASSERT_EQ(turn.send(ends().inside), 0);
  EXPECT_EQ(network.count("office.edge", "egress_1_stopped_in"), 1U);
  EXPECT_FALSE(alice.look());
  const UdpSocket another(network["alice"], {ends().inside.address, 5001});
  ASSERT_EQ(another.send(ends().outside), 0);
  EXPECT_TRUE(turn.receive());
}

TEST_P(egress, a_policer_lets_its_rate_pass_and_drops_the_rest) {
  const DrawnNetwork network(office({rule(model::Police{BitRate{200'000}}, of(Protocol::udp))}), world_);
  const UdpSocket alice(network["alice"], ends().inside);
  const UdpSocket turn(network["turn-a"], ends().outside);
  const int size = 1000 - (v4() ? 28 : 48);
  const std::string text(static_cast<std::size_t>(size), 'x');
  const auto begun = std::chrono::steady_clock::now();
  int arrived = 0;
  while (std::chrono::steady_clock::now() - begun < std::chrono::milliseconds(1500)) {
    ASSERT_EQ(alice.send(ends().outside, text), 0);
    if (turn.receive_within(1)) ++arrived;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  // 25,000 bytes a second; nft's bucket holds a second's worth and the burst.
  EXPECT_NEAR(arrived, 25 * (seconds + 1) + 3, 4);
  EXPECT_GT(network.count("office.edge", "egress_1_stopped_out"), 10U);
}

TEST_P(egress, exactly_the_listed_packets_are_lost_in_each_direction) {
  const DrawnNetwork network(office({rule(model::Lose{model::PacketListLoss{{1, 2, 5, 256, 300}}}, of(Protocol::udp))}),
                             world_);
  const UdpSocket alice(network["alice"], ends().inside);
  const UdpSocket turn(network["turn-a"], ends().outside);
  const auto expect_lost = [](const std::set<int>& arrived) {
    for (int i = 1; i <= 310; ++i) {
      EXPECT_EQ(arrived.contains(i), i != 1 && i != 2 && i != 5 && i != 256 && i != 300) << i;
    }
  };
  expect_lost(arrivals(alice, turn, ends().outside, 310));
  expect_lost(arrivals(turn, alice, ends().inside, 310));
  EXPECT_EQ(network.count("office.edge", "egress_1_stopped_out"), 5U);
}

TEST_P(egress, ping_is_a_protocol_of_its_own_and_errors_pass_with_their_flow) {
  const DrawnNetwork network(office({rule(model::Allow{}, of(Protocol::udp)), rule(model::Drop{}, of(Protocol::icmp))}),
                             world_);
  const UdpSocket alice(network["alice"], ends().inside);
  alice.connect(ends(9).outside);
  ASSERT_EQ(::send(alice.descriptor(), "x", 1, 0), 1);
  EXPECT_EQ(alice.error(), ECONNREFUSED) << "nobody listens there, and its host says so";
  EXPECT_EQ(network.count("office.edge", "errors_in"), 1U);
}

INSTANTIATE_TEST_SUITE_P(both_families, egress, ::testing::Values(Family::v4, Family::v6),
                         [](const auto& chosen) { return chosen.param == Family::v4 ? "v4" : "v6"; });

}  // namespace
}  // namespace crypelab::testing::egress_test
