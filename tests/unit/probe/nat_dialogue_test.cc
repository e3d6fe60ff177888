#include "harness/probe/filtering_dialogue.h"
#include "harness/probe/hairpin_dialogue.h"
#include "harness/probe/lifetime_dialogue.h"
#include "harness/probe/mapping_dialogue.h"
#include "harness/probe/reach_dialogue.h"
#include "harness/probe/token.h"
#include "simulated_network.h"

#include <random>

#include <gtest/gtest.h>

namespace crypelab::probe::nat_dialogue_test {
namespace {

using measure::Dependence;
using measure::PortChoice;
using Network = SimulatedNetwork;
using namespace std::chrono_literals;

const Endpoint kServer = Network::server(0, 3478);
const Endpoint kOther = Network::server(1, 3479);

measure::Mapped map(Network& network) {
  MappingDialogue dialogue({.server = kServer, .other = kOther}, 1);
  EXPECT_TRUE(network.run(dialogue));
  return std::get<measure::Mapped>(dialogue.finding());
}

measure::Filtered filter(Network& network) {
  FilteringDialogue dialogue({.server = kServer, .other = kOther}, 1);
  EXPECT_TRUE(network.run(dialogue));
  return std::get<measure::Filtered>(dialogue.finding());
}

TEST(mapping, each_dependence_is_told) {
  for (const auto dependence : {Dependence::endpoint_independent, Dependence::address, Dependence::address_and_port}) {
    Network network;
    network.mapping = dependence;
    std::uint16_t port = 40000;
    if (dependence != Dependence::endpoint_independent) network.external_port = [&](auto) { return port += 100; };
    const auto found = map(network);
    EXPECT_EQ(found.nat, true);
    EXPECT_EQ(found.mapping, dependence);
    EXPECT_EQ(to_string(found.external->address), "198.18.0.2");
  }
}

TEST(mapping, a_network_without_nat_is_told) {
  Network network;
  network.mapping.reset();
  const auto found = map(network);
  EXPECT_EQ(found.nat, false);
  EXPECT_EQ(found.local, found.external);
}

TEST(mapping, the_choice_of_ports_is_told) {
  Network preserving;
  EXPECT_EQ(map(preserving).ports, PortChoice::preserved);

  Network sequential;
  std::uint16_t next = 0;
  sequential.external_port = [&](auto) { return static_cast<std::uint16_t>(50000 + next++ % 8); };
  EXPECT_EQ(map(sequential).ports, PortChoice::sequential);

  Network arbitrary;
  std::mt19937 random(3);
  arbitrary.external_port = [&](auto) { return static_cast<std::uint16_t>(40000 + random() % 20000); };
  EXPECT_EQ(map(arbitrary).ports, PortChoice::random);
}

TEST(mapping, loss_is_survived) {
  Network network;
  network.lose_up = [](auto number) { return number % 4 == 0; };
  EXPECT_EQ(map(network).mapping, Dependence::endpoint_independent);
}

TEST(mapping, nothing_is_said_about_a_silent_server) {
  Network network;
  network.lose_up = [](auto) { return true; };
  MappingDialogue dialogue({.server = kServer, .other = kOther}, 1);
  EXPECT_FALSE(network.run(dialogue, 2s));
  const auto found = std::get<measure::Mapped>(dialogue.finding());
  EXPECT_FALSE(found.nat || found.mapping || found.ports);
}

TEST(filtering, each_dependence_is_told) {
  for (const auto dependence : {Dependence::endpoint_independent, Dependence::address, Dependence::address_and_port}) {
    Network network;
    network.filtering = dependence;
    const auto found = filter(network);
    EXPECT_TRUE(found.answered);
    EXPECT_EQ(found.filtering, dependence);
    EXPECT_LT(network.now, 60ms);
  }
}

TEST(filtering, silence_is_concluded_from_a_control_and_not_from_a_time_out) {
  Network network;
  network.up_delay = network.down_delay = 1ms;
  filter(network);
  EXPECT_LT(network.now, 25ms);
}

TEST(filtering, nothing_is_said_when_not_even_the_control_comes) {
  Network network;
  network.lose_down = [](auto) { return true; };
  FilteringDialogue dialogue({.server = kServer, .other = kOther}, 1);
  EXPECT_FALSE(network.run(dialogue, 5s));
  EXPECT_FALSE(std::get<measure::Filtered>(dialogue.finding()).filtering);
}

TEST(hairpin, is_told_both_ways) {
  for (const bool hairpin : {false, true}) {
    Network network;
    network.hairpin = hairpin;
    HairpinDialogue dialogue({.server = kServer}, 1);
    EXPECT_TRUE(network.run(dialogue));
    const auto found = std::get<measure::Hairpinned>(dialogue.finding());
    EXPECT_EQ(found.hairpin, hairpin);
    EXPECT_EQ(found.seen.has_value(), hairpin);
  }
}

TEST(hairpin, without_any_filtering_a_moving_mapping_does_not_hide_it) {
  Network network;
  network.hairpin = true;
  network.mapping = Dependence::address_and_port;
  network.filtering = Dependence::endpoint_independent;
  std::uint16_t port = 40000;
  network.external_port = [&](auto) { return port += 100; };
  HairpinDialogue dialogue({.server = kServer}, 1);
  EXPECT_TRUE(network.run(dialogue));
  EXPECT_EQ(std::get<measure::Hairpinned>(dialogue.finding()).hairpin, true);
}

TEST(lifetime, lies_between_the_last_silence_survived_and_the_first_not_survived) {
  Network network;
  network.timer = 30s;
  LifetimeDialogue dialogue({.server = kServer, .maximum = 60s, .steps = 12}, 1);
  EXPECT_TRUE(network.run(dialogue));
  const auto found = std::get<measure::Lived>(dialogue.finding());
  EXPECT_EQ(found.alive, 25s);
  EXPECT_EQ(found.dead, 30s);  // when the answer comes to the NAT the timer has just run out
  EXPECT_LT(network.now, 65s);
}

TEST(lifetime, has_no_end_within_the_maximum) {
  Network network;
  LifetimeDialogue dialogue({.server = kServer, .maximum = 60s, .steps = 6}, 1);
  EXPECT_TRUE(network.run(dialogue));
  const auto found = std::get<measure::Lived>(dialogue.finding());
  EXPECT_EQ(found.alive, 60s);
  EXPECT_FALSE(found.dead);
}

TEST(reach, is_answered_and_seen_by_its_token) {
  Network network;
  const auto token = parse_token("00112233445566778899aabb");
  ReachDialogue dialogue({.to = kServer}, *token);
  EXPECT_TRUE(network.run(dialogue));
  const auto found = std::get<measure::Reached>(dialogue.finding());
  EXPECT_EQ(found.outcome, measure::Outcome::answered);
  EXPECT_EQ(to_string(*found.seen), "198.18.0.2:50000");
  EXPECT_EQ(network.reflector.take_seen().at(0).token, "00112233445566778899aabb");
}

TEST(reach, an_icmp_error_ends_it_with_its_own_word) {
  ReachDialogue dialogue({.to = kServer}, {});
  dialogue.start({kServer}, Time(0));
  dialogue.unreached(0, {.outcome = measure::Outcome::admin_prohibited, .from = Address::v4(1)}, Time(5));
  EXPECT_TRUE(dialogue.done());
  const auto found = std::get<measure::Reached>(dialogue.finding());
  EXPECT_EQ(found.outcome, measure::Outcome::admin_prohibited);
  EXPECT_EQ(found.icmp_from, Address::v4(1));
}

TEST(reach, an_answer_from_elsewhere_is_none) {
  const auto token = parse_token("00112233445566778899aabb");
  ReachDialogue dialogue({.to = kServer}, *token);
  dialogue.start({kServer}, Time(0));
  Reflector reflector({kServer, kOther}, 1);
  reflector.receive(0, {Address::v4(5), 5}, binding_request(*token), Time(0));
  const auto answer = reflector.take().at(0).bytes;
  dialogue.receive(0, kOther, answer, Time(1));
  EXPECT_FALSE(dialogue.done());
  dialogue.receive(0, kServer, answer, Time(1));
  EXPECT_TRUE(dialogue.done());
}

}  // namespace
}  // namespace crypelab::probe::nat_dialogue_test
