#include "harness/probe/passage_dialogue.h"
#include "harness/probe/path_mtu_dialogue.h"
#include "harness/probe/rate_dialogue.h"
#include "harness/probe/train_dialogue.h"
#include "simulated_network.h"

#include <gtest/gtest.h>

namespace crypelab::probe::path_dialogue_test {
namespace {

using Network = SimulatedNetwork;
using measure::Way;
using namespace std::chrono_literals;

const Endpoint kServer = Network::server(0, 3478);

measure::Trained train(Network& network, measure::Train ask) {
  ask.to = kServer;
  TrainDialogue dialogue(ask);
  EXPECT_TRUE(network.run(dialogue));
  return std::get<measure::Trained>(dialogue.finding());
}

TEST(train, a_clean_path_loses_nothing) {
  Network network;
  const auto found = train(network, {.count = 100, .interval = 1ms});
  EXPECT_TRUE(found.complete);
  EXPECT_EQ(found.up.received, 100u);
  EXPECT_EQ(found.down.received, 100u);
  EXPECT_TRUE(found.up.lost.empty() && found.down.lost.empty());
  EXPECT_EQ(found.rtt_min, 10ms);
  EXPECT_EQ(found.rtt_p50, 10ms);
}

TEST(train, each_direction_names_its_own_losses) {
  Network network;
  network.lose_up = [](auto number) { return number == 4 || number == 11; };  // the first one opens the session
  network.lose_down = [](auto number) { return number == 6; };
  const auto found = train(network, {.count = 50, .interval = 1ms});
  EXPECT_TRUE(found.complete);
  EXPECT_EQ(found.up.lost, (std::vector<std::uint32_t>{3, 10}));
  EXPECT_EQ(found.up.received, 48u);
  EXPECT_EQ(found.down.sent, 48u);
  EXPECT_EQ(found.down.lost, (std::vector<std::uint32_t>{5}));
}

TEST(train, overtaking_is_counted_where_it_happened) {
  Network network;
  network.extra_up = [](auto number) { return number == 21 ? Duration(2500) : Duration(0); };
  const auto found = train(network, {.count = 50, .interval = 1ms});
  EXPECT_EQ(found.up.reordered, 1u);
  EXPECT_EQ(found.down.reordered, 0u);
  EXPECT_TRUE(found.up.lost.empty());
}

TEST(train, jitter_belongs_to_its_direction) {
  Network network;
  network.extra_up = [](auto number) { return Duration(number % 10 * 1000); };
  const auto found = train(network, {.count = 200, .interval = 20ms});
  EXPECT_GE(found.up.jitter, 7ms);
  EXPECT_LE(found.up.jitter, 9ms);
  EXPECT_EQ(found.down.jitter, 0ms);
}

TEST(train, a_long_one_is_reported_in_pages) {
  Network network;
  network.lose_up = [](auto number) { return number == 9001; };
  const auto found = train(network, {.count = 10'000, .interval = 100us});
  EXPECT_TRUE(found.complete);
  EXPECT_EQ(found.up.received, 9999u);
  EXPECT_EQ(found.up.lost, (std::vector<std::uint32_t>{9000}));
}

TEST(train, ends_when_a_quarter_is_lost) {
  Network network;
  network.lose_up = [](auto number) { return number % 4 == 1; };
  network.lose_down = [](auto number) { return number % 4 == 2; };
  const auto found = train(network, {.count = 400, .interval = 1ms});
  EXPECT_TRUE(found.complete);
  EXPECT_NEAR(static_cast<double>(found.up.lost.size()), 100, 2);
  EXPECT_NEAR(static_cast<double>(found.down.lost.size()), 75, 2);
}

TEST(rate, a_bottleneck_is_measured_upwards) {
  Network network;
  network.up_rate = 2'000'000;
  RateDialogue dialogue({.way = Way::up, .to = kServer, .offered = {3'000'000}, .time = 1s});
  EXPECT_TRUE(network.run(dialogue));
  const auto found = std::get<measure::Rated>(dialogue.finding());
  EXPECT_TRUE(found.complete);
  EXPECT_NEAR(static_cast<double>(found.wire.bits_per_second), 2e6, 1e5);
  EXPECT_LT(found.received, found.sent);
  EXPECT_LT(found.goodput, found.wire);
}

TEST(rate, downwards_the_reflector_sends_what_was_asked_for) {
  Network network;
  RateDialogue dialogue({.way = Way::down, .to = kServer, .offered = {5'000'000}, .time = 500ms});
  EXPECT_TRUE(network.run(dialogue));
  const auto found = std::get<measure::Rated>(dialogue.finding());
  EXPECT_TRUE(found.complete);
  EXPECT_NEAR(static_cast<double>(found.wire.bits_per_second), 5e6, 2.5e5);
  EXPECT_EQ(found.received, found.sent);
}

measure::PathMtuFound mtu(Network& network, Way way) {
  PathMtuDialogue dialogue({.way = way, .to = kServer});
  EXPECT_TRUE(network.run(dialogue));
  return std::get<measure::PathMtuFound>(dialogue.finding());
}

TEST(path_mtu, is_found_to_the_byte_each_way) {
  for (const std::uint32_t size : {1500u, 1499u, 1492u, 1280u, 1200u, 577u}) {
    Network network;
    network.up_mtu = size;
    network.down_mtu = 1400;
    EXPECT_EQ(mtu(network, Way::up).mtu, size);
    EXPECT_EQ(mtu(network, Way::down).mtu, 1400u);
  }
}

TEST(path_mtu, a_black_hole_differs_from_a_path_that_says_too_big) {
  for (const auto way : {Way::up, Way::down}) {
    for (const bool told : {false, true}) {
      Network network;
      network.up_mtu = network.down_mtu = 1300;
      network.too_big = told;
      const auto found = mtu(network, way);
      EXPECT_EQ(found.mtu, 1300u);
      EXPECT_EQ(found.too_big, told);
      EXPECT_EQ(found.reported.has_value(), told);
      EXPECT_EQ(found.reported.value_or(1300), 1300u);
    }
  }
}

TEST(path_mtu, loss_does_not_make_it_smaller) {
  Network network;
  network.lose_up = [](auto number) { return number % 3 == 0; };
  network.up_mtu = 1400;
  EXPECT_EQ(mtu(network, Way::up).mtu, 1400u);
}

TEST(passage, ends_where_the_network_has_had_enough) {
  Network network;
  network.lose_up = [](auto number) { return number > 30; };
  PassageDialogue dialogue({.to = kServer, .bytes = {100'000}, .time = 10s});
  EXPECT_TRUE(network.run(dialogue));
  const auto found = std::get<measure::Passed>(dialogue.finding());
  EXPECT_TRUE(found.ended);
  EXPECT_EQ(found.outcome, measure::Outcome::answered);
  EXPECT_EQ(found.bytes.bytes, 30u * 2 * (1200 + 28));
}

TEST(passage, goes_on_to_its_own_limit) {
  Network network;
  PassageDialogue dialogue({.to = kServer, .bytes = {20'000}, .time = 10s});
  EXPECT_TRUE(network.run(dialogue));
  const auto found = std::get<measure::Passed>(dialogue.finding());
  EXPECT_FALSE(found.ended);
  EXPECT_GE(found.bytes.bytes, 20'000u);
}

TEST(passage, of_which_nothing_comes_back_is_silent) {
  Network network;
  network.lose_up = [](auto) { return true; };
  PassageDialogue dialogue({.to = kServer});
  EXPECT_TRUE(network.run(dialogue));
  EXPECT_EQ(std::get<measure::Passed>(dialogue.finding()).outcome, measure::Outcome::silent);
}

}  // namespace
}  // namespace crypelab::probe::path_dialogue_test
