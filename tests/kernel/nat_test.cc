#include "drawn_network.h"

#include <chrono>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace crypelab::testing::nat_test {
namespace {

using model::Dependence;
using model::PortAssignment;

// Two clients behind one NAT; outside, a host with two addresses that they talk to, and a stranger.
model::Scenario behind(const model::Nat& nat) {
  model::Scenario scenario;
  scenario.name = "nat";
  model::Site site;
  site.name = "home";
  site.subnet4 = *parse_prefix("192.168.7.0/24");
  site.nat = nat;
  scenario.sites.push_back(site);
  for (const char* name : {"alice", "anna"}) scenario.clients.push_back({name, {"home"}, {}});
  return scenario;
}

const std::vector<std::string> kOutside{"reflector", "turn-a"};
const Endpoint kAlice = endpoint("192.168.7.10:5000");
const Endpoint kAnna = endpoint("192.168.7.11:5000");
const Endpoint kFirst = endpoint("198.51.100.90:3478");
const Endpoint kOtherPort = endpoint("198.51.100.90:3479");
const Endpoint kOtherAddress = endpoint("198.51.100.91:3478");
const Endpoint kStranger = endpoint("203.0.113.20:3478");
const Address kPublic = *parse_address("198.18.0.2");

struct Axes {
  Dependence mapping;
  Dependence filtering;
  bool hairpin;
  PortAssignment ports;

  model::Nat nat() const {
    model::Nat nat;
    nat.mapping = mapping;
    nat.filtering = filtering;
    nat.hairpin = hairpin;
    nat.ports = ports;
    return nat;
  }
};

class nat : public ::testing::TestWithParam<std::tuple<Dependence, Dependence, bool, PortAssignment>> {
 protected:
  Axes axes() const {
    return {std::get<0>(GetParam()), std::get<1>(GetParam()), std::get<2>(GetParam()), std::get<3>(GetParam())};
  }
  DrawnNetwork network_{behind(axes().nat()), kOutside};
  UdpSocket alice_{network_["alice"], kAlice};
  UdpSocket anna_{network_["anna"], kAnna};
  UdpSocket first_{network_["reflector"], kFirst};
  UdpSocket other_port_{network_["reflector"], kOtherPort};
  UdpSocket other_address_{network_["reflector"], kOtherAddress};
  UdpSocket stranger_{network_["turn-a"], kStranger};

  // Where `from` appears to `to`.
  static std::uint16_t seen(const UdpSocket& from, const UdpSocket& to, const Endpoint& where) {
    EXPECT_EQ(from.send(where), 0);
    const auto received = to.receive();
    EXPECT_TRUE(received) << "nothing reached " << to_string(where);
    if (!received) return 0;
    EXPECT_EQ(received->from.address, kPublic);
    return received->from.port;
  }

  void expect_port(std::uint16_t port, std::uint16_t internal, unsigned number) const {
    if (axes().ports == PortAssignment::preserve) {
      EXPECT_EQ(port, internal);
    } else if (axes().ports == PortAssignment::sequential) {
      EXPECT_EQ(port, 40000 + number);
    } else {
      EXPECT_GE(port, 1024);
    }
  }

  // Whether what `from` sends to `to` arrives at `at`; if not, the NAT must have counted it.
  bool passes(const UdpSocket& from, const Endpoint& to, const UdpSocket& at, const char* counter = "unsolicited") {
    const auto before = network_.count("home.edge", counter);
    EXPECT_EQ(from.send(to, "let me in"), 0);
    for (int i = 0; i < 1000; ++i) {
      if (const auto received = at.look()) {
        EXPECT_EQ(received->text, "let me in");
        return true;
      }
      if (network_.count("home.edge", counter) > before) return false;
    }
    ADD_FAILURE() << "neither arrived nor dropped";
    return false;
  }
};

// What hairpinning has no part in.
class nat_without_hairpin : public nat {};

TEST_P(nat, maps_as_declared) {
  const auto one = seen(alice_, first_, kFirst);
  expect_port(one, kAlice.port, 0);
  const auto two = seen(alice_, other_port_, kOtherPort);
  const auto three = seen(alice_, other_address_, kOtherAddress);
  switch (axes().mapping) {
    case Dependence::endpoint_independent:
      EXPECT_EQ(one, two);
      EXPECT_EQ(one, three);
      break;
    case Dependence::address:
      EXPECT_EQ(one, two);
      EXPECT_NE(one, three);
      break;
    case Dependence::address_and_port:
      EXPECT_NE(one, two);
      EXPECT_NE(one, three);
      EXPECT_NE(two, three);
      if (axes().ports == PortAssignment::sequential) {
        EXPECT_EQ(three, 40002);
      }
      break;
  }
  EXPECT_EQ(seen(alice_, first_, kFirst), one) << "a mapping holds";
  // Another host with the same port shares no external port with the first, whatever it talks to.
  const std::set<std::uint16_t> alices{one, two, three};
  EXPECT_FALSE(alices.contains(seen(anna_, first_, kFirst)));
  EXPECT_FALSE(alices.contains(seen(anna_, stranger_, kStranger)));
}

TEST_P(nat_without_hairpin, filters_as_declared) {
  const Endpoint mapped{kPublic, seen(alice_, first_, kFirst)};
  EXPECT_TRUE(passes(first_, mapped, alice_));
  EXPECT_EQ(passes(other_port_, mapped, alice_), axes().filtering != Dependence::address_and_port);
  EXPECT_EQ(passes(stranger_, mapped, alice_), axes().filtering == Dependence::endpoint_independent);
  // Once she has sent there, it may answer at the mapping that it saw.
  const Endpoint after{kPublic, seen(alice_, stranger_, kStranger)};
  EXPECT_TRUE(passes(stranger_, after, alice_));
  EXPECT_FALSE(passes(stranger_, {kPublic, 9}, alice_)) << "a port that nobody owns";
}

TEST_P(nat_without_hairpin, an_early_packet_from_outside_does_not_move_the_mapping) {
  EXPECT_FALSE(passes(stranger_, {kPublic, kAlice.port}, alice_));
  EXPECT_FALSE(passes(stranger_, {kPublic, 40000}, alice_));
  expect_port(seen(alice_, stranger_, kStranger), kAlice.port, 0);
}

TEST_P(nat, hairpins_as_declared) {
  const Endpoint alice{kPublic, seen(alice_, first_, kFirst)};
  const Endpoint anna{kPublic, seen(anna_, first_, kFirst)};
  if (!axes().hairpin) {
    EXPECT_FALSE(passes(anna_, alice, alice_, "hairpin_refused"));
    return;
  }
  const bool open = axes().filtering == Dependence::endpoint_independent;
  EXPECT_EQ(passes(anna_, alice, alice_), open);
  EXPECT_TRUE(passes(alice_, anna, anna_));
  EXPECT_TRUE(passes(anna_, alice, alice_));
  // RFC 4787 REQ-9: the source is the external endpoint.
  EXPECT_EQ(anna_.send(alice), 0);
  const auto received = alice_.receive();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->from.address, kPublic);
  if (axes().mapping == Dependence::endpoint_independent) {
    EXPECT_EQ(received->from, anna);
  }
}

TEST_P(nat_without_hairpin, treats_tcp_alike) {
  const Endpoint local = endpoint("192.168.7.10:7000");
  const auto one = listen_tcp(network_["reflector"], kFirst);
  const auto two = listen_tcp(network_["reflector"], kOtherPort);
  const auto three = listen_tcp(network_["reflector"], kOtherAddress);
  std::vector<Connected> connections;
  const auto connect = [&](const Descriptor& listener, const Endpoint& to) -> std::uint16_t {
    connections.push_back(connect_tcp(network_["alice"], local, to));
    EXPECT_EQ(connections.back().error, 0);
    const auto accepted = accept_tcp(listener);
    return accepted ? accepted->from.port : 0;
  };
  const auto first = connect(one, kFirst);
  const auto second = connect(two, kOtherPort);
  const auto third = connect(three, kOtherAddress);
  expect_port(first, local.port, 0);
  EXPECT_EQ(first == second, axes().mapping != Dependence::address_and_port);
  EXPECT_EQ(first == third, axes().mapping == Dependence::endpoint_independent);

  const auto waiting = listen_tcp(network_["alice"], local);
  const auto enters = [&](const char* host, const char* from) {
    return connect_tcp(network_[host], endpoint(from), {kPublic, first}, 50).error == 0;
  };
  EXPECT_EQ(enters("reflector", "198.51.100.90:999"), axes().filtering != Dependence::address_and_port);
  EXPECT_EQ(enters("turn-a", "203.0.113.20:999"), axes().filtering == Dependence::endpoint_independent);
}

std::string word(Dependence dependence) {
  return dependence == Dependence::endpoint_independent ? "independent"
         : dependence == Dependence::address            ? "address"
                                                        : "address_and_port";
}

std::string name_of(const ::testing::TestParamInfo<nat::ParamType>& chosen) {
  const auto& [mapping, filtering, hairpin, ports] = chosen.param;
  return "mapping_" + word(mapping) + "_filtering_" + word(filtering) + (hairpin ? "_hairpin_" : "_") +
         (ports == PortAssignment::preserve ? "preserve"
          : ports == PortAssignment::random ? "random"
                                            : "sequential");
}

const auto kDependences =
    ::testing::Values(Dependence::endpoint_independent, Dependence::address, Dependence::address_and_port);
const auto kPorts = ::testing::Values(PortAssignment::preserve, PortAssignment::random, PortAssignment::sequential);

TEST(nat_timer, a_mapping_is_gone_after_it) {
  model::Nat nat;
  nat.filtering = Dependence::endpoint_independent;
  nat.ports = PortAssignment::sequential;
  nat.udp_timer = std::chrono::seconds(1);
  const DrawnNetwork network(behind(nat), kOutside);
  const UdpSocket alice(network["alice"], kAlice);
  const UdpSocket first(network["reflector"], kFirst);
  const UdpSocket stranger(network["turn-a"], kStranger);
  ASSERT_EQ(alice.send(kFirst), 0);
  const auto seen = first.receive();
  ASSERT_TRUE(seen);
  ASSERT_EQ(stranger.send(seen->from), 0);
  EXPECT_TRUE(alice.receive());
  const auto begun = std::chrono::steady_clock::now();
  const auto before = network.count("home.edge", "unsolicited");
  // Every knock is a flow of its own: one that got in would be kept alive by what follows.
  while (network.count("home.edge", "unsolicited") == before &&
         std::chrono::steady_clock::now() - begun < std::chrono::seconds(10)) {
    const UdpSocket knocking(network["turn-a"], {kStranger.address, 0});
    knocking.send(seen->from);
    alice.receive_within(20);
  }
  const auto lasted = std::chrono::steady_clock::now() - begun;
  EXPECT_GT(lasted, std::chrono::milliseconds(700));
  EXPECT_LT(lasted, std::chrono::seconds(5));
  const UdpSocket other_address(network["reflector"], kOtherAddress);
  ASSERT_EQ(alice.send(kOtherAddress), 0);
  const auto again = other_address.receive();
  ASSERT_TRUE(again);
  EXPECT_NE(again->from.port, seen->from.port);
}

TEST(nat_rebinding, moves_every_mapping_to_another_port) {
  for (const auto ports : {PortAssignment::preserve, PortAssignment::random, PortAssignment::sequential}) {
    model::Nat nat;
    nat.ports = ports;
    nat.rebind = std::chrono::seconds(20);
    const DrawnNetwork network(behind(nat), kOutside);
    ASSERT_EQ(network.blueprint().steps.size(), 2U);
    const UdpSocket alice(network["alice"], kAlice);
    std::vector<std::uint16_t> ports_seen;
    for (const auto& [local, to] :
         {std::pair(kFirst, 0), std::pair(kOtherPort, 1), std::pair(kOtherAddress, 2), std::pair(kStranger, 3)}) {
      if (to > 0) network.load_step(static_cast<std::size_t>(to - 1) % 2);
      const UdpSocket there(network[local == kStranger ? "turn-a" : "reflector"], local);
      ASSERT_EQ(alice.send(local), 0);
      const auto received = there.receive();
      ASSERT_TRUE(received);
      for (const auto earlier : ports_seen) EXPECT_NE(received->from.port, earlier);
      ports_seen.push_back(received->from.port);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(every, nat, ::testing::Combine(kDependences, kDependences, ::testing::Bool(), kPorts),
                         name_of);
INSTANTIATE_TEST_SUITE_P(every, nat_without_hairpin,
                         ::testing::Combine(kDependences, kDependences, ::testing::Values(false), kPorts), name_of);

}  // namespace
}  // namespace crypelab::testing::nat_test
