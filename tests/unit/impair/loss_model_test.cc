#include "harness/impair/loss_model.h"

#include "harness/impair/random.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

namespace crypelab::impair::loss_model_test {
namespace {

std::set<std::uint64_t> dropped(const Impairment& impairment, std::uint64_t count) {
  LossModel model(impairment);
  std::set<std::uint64_t> numbers;
  for (std::uint64_t i = 1; i <= count; ++i) {
    if (model.next() != Fate::kept) numbers.insert(i);
  }
  return numbers;
}

TEST(LossModel, a_packet_list_drops_exactly_the_list) {
  Impairment impairment;
  impairment.lost_packets = {{20, 29}, {3, 3}, {17, 17}, {25, 27}};
  EXPECT_EQ(dropped(impairment, 1000), (std::set<std::uint64_t>{3, 17, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29}));
}

TEST(LossModel, a_packet_list_does_not_move_random_loss) {
  Impairment impairment;
  impairment.seed = 5;
  impairment.loss = BurstLoss{Ratio{20'000}, Ratio{250'000}, Ratio{0}, Ratio{1'000'000}};
  auto expected = dropped(impairment, 1000);
  expected.insert({10, 11, 12});
  impairment.lost_packets = {{10, 12}};
  EXPECT_EQ(dropped(impairment, 1000), expected);
}

// The central 99.9 % of a binomial distribution is 3.29 deviations wide; the seeds are fixed, so these never flicker.
TEST(LossModel, independent_loss_is_within_binomial_bounds_for_several_seeds) {
  constexpr double count = 100'000;
  for (const std::uint64_t seed : {1ull, 2ull, 42ull, 0xffffffffffffffffull}) {
    for (const std::uint32_t ppm : {1'000u, 10'000u, 50'000u, 250'000u}) {
      Impairment impairment;
      impairment.seed = seed;
      impairment.loss = IndependentLoss{Ratio{ppm}};
      const double share = ppm / 1e6;
      const double lost = static_cast<double>(dropped(impairment, static_cast<std::uint64_t>(count)).size());
      EXPECT_NEAR(lost, count * share, 3.29 * std::sqrt(count * share * (1 - share))) << seed << " " << ppm;
    }
  }
}

TEST(LossModel, independent_losses_do_not_cluster) {
  Impairment impairment;
  impairment.loss = IndependentLoss{Ratio{100'000}};
  const auto lost = dropped(impairment, 100'000);
  double neighbours = 0;
  for (const auto number : lost) neighbours += lost.contains(number + 1) ? 1 : 0;
  EXPECT_NEAR(neighbours, 1000, 130);  // one in a hundred pairs, 4 deviations
}

TEST(LossModel, nothing_and_everything_are_exact) {
  Impairment impairment;
  EXPECT_TRUE(dropped(impairment, 1000).empty());
  impairment.loss = IndependentLoss{Ratio{0}};
  EXPECT_TRUE(dropped(impairment, 1000).empty());
  impairment.loss = IndependentLoss{Ratio{1'000'000}};
  EXPECT_EQ(dropped(impairment, 1000).size(), 1000u);
}

TEST(LossModel, bursts_have_the_length_and_share_of_the_model) {
  Impairment impairment;
  impairment.seed = 9;
  impairment.loss = BurstLoss{Ratio{10'000}, Ratio{200'000}, Ratio{0}, Ratio{1'000'000}};
  constexpr std::uint64_t count = 200'000;
  const auto lost = dropped(impairment, count);
  double bursts = 0;
  for (const auto number : lost) bursts += lost.contains(number - 1) ? 0 : 1;
  const double length = static_cast<double>(lost.size()) / bursts;
  EXPECT_NEAR(length, 5, 0.45);  // geometric with mean 5: deviation sqrt(20), some 1900 bursts, 4 deviations
  EXPECT_NEAR(static_cast<double>(lost.size()) / count, 0.01 / 0.21, 0.0055);
}

TEST(LossModel, different_seeds_lose_different_packets) {
  Impairment one, two;
  one.loss = two.loss = IndependentLoss{Ratio{50'000}};
  two.seed = 2;
  EXPECT_NE(dropped(one, 1000), dropped(two, 1000));
  EXPECT_EQ(dropped(one, 1000), dropped(one, 1000));
}

// These numbers are the format: a seed in a report must lose the same packets in every later version.
TEST(Random, known_seeds_give_known_packets) {
  Impairment impairment;
  impairment.seed = 42;
  impairment.loss = IndependentLoss{Ratio{20'000}};
  EXPECT_EQ(dropped(impairment, 200), (std::set<std::uint64_t>{85, 117}));
}

TEST(Random, links_and_directions_get_seeds_of_their_own) {
  std::set<std::uint64_t> seeds;
  for (const char* link : {"office", "home", "officea"}) {
    for (const char* direction : {"up", "down", "aup"}) {
      for (const std::uint64_t seed : {0ull, 1ull, 2ull}) seeds.insert(derive_seed(seed, link, direction));
    }
  }
  EXPECT_EQ(seeds.size(), 27u);
  EXPECT_EQ(derive_seed(1, "office", "up"), derive_seed(1, "office", "up"));
}

}  // namespace
}  // namespace crypelab::impair::loss_model_test
