#include "harness/blueprint/loss_pattern.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::blueprint {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): the standard library's distributions may differ between libraries.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }

 private:
  std::uint64_t state_;
};

// The shortest period over which the share is a whole number of packets and at least `bursts` things can happen, so
// that a stream does not hear a rhythm.
std::uint32_t period_for(std::uint32_t parts_per_million, std::uint64_t at_least_lost) {
  static constexpr std::array<std::uint32_t, 9> kPeriods{1'000,  2'000,   5'000,   10'000, 20'000,
                                                         50'000, 100'000, 200'000, 500'000};
  for (const auto period : kPeriods) {
    const auto scaled = std::uint64_t{parts_per_million} * period;
    if (scaled % kMillion == 0 && scaled / kMillion >= at_least_lost) return period;
  }
  return kMillion;
}

LossPattern random_pattern(const model::RandomLoss& loss) {
  const auto share = std::min<std::uint32_t>(loss.share.parts_per_million, kMillion);
  LossPattern pattern;
  pattern.period = period_for(share, 50);
  const auto wanted = std::uint64_t{share} * pattern.period / kMillion;
  // Selection sampling (Knuth, TAOCP volume 2, 3.4.2, algorithm S): exactly `wanted` of the period, each set as likely.
  Dice dice(loss.seed);
  for (std::uint32_t i = 0; i < pattern.period; ++i) {
    if (dice.below(pattern.period - i) < wanted - pattern.lost.size()) pattern.lost.push_back(i);
  }
  return pattern;
}

// Bursts of geometric length around the mean, between gaps drawn so that both add up exactly.
LossPattern burst_pattern(const model::BurstLoss& loss) {
  const auto share = std::min<std::uint32_t>(loss.share.parts_per_million, kMillion);
  const std::uint64_t mean = std::max(1U, loss.mean_length);
  LossPattern pattern;
  pattern.period = period_for(share, 25 * mean);
  const auto lost = std::uint64_t{share} * pattern.period / kMillion;
  const auto kept = pattern.period - lost;
  if (lost == 0) return pattern;
  // As many bursts as the mean asks for; a burst ends where a gap begins, so there can be no more bursts than gaps.
  const auto bursts = std::clamp<std::uint64_t>((lost + mean / 2) / mean, 1, std::max<std::uint64_t>(kept, 1));
  Dice dice(loss.seed);
  const auto parts = [&dice](std::uint64_t total, std::uint64_t count) {
    std::vector<std::uint64_t> cuts;  // `count` positive numbers that add up to `total`: cut it at distinct places
    for (std::uint64_t i = 1; i < total && cuts.size() + 1 < count; ++i) {
      if (dice.below(total - i) < count - 1 - cuts.size()) cuts.push_back(i);
    }
    cuts.push_back(total);
    std::adjacent_difference(cuts.begin(), cuts.end(), cuts.begin());
    return cuts;
  };
  const auto lengths = parts(lost, bursts);
  const auto gaps = kept == 0 ? std::vector<std::uint64_t>(lengths.size(), 0) : parts(kept, bursts);
  std::uint32_t at = 0;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    at += static_cast<std::uint32_t>(gaps[i]);
    for (std::uint64_t n = 0; n < lengths[i]; ++n) pattern.lost.push_back(at++);
  }
  return pattern;
}

LossPattern list_pattern(const model::PacketListLoss& loss) {
  LossPattern pattern;
  pattern.period = std::numeric_limits<std::uint32_t>::max();
  for (const auto packet : loss.packets) {
    if (packet > 0) pattern.lost.push_back(packet - 1);
  }
  std::ranges::sort(pattern.lost);
  pattern.lost.erase(std::unique(pattern.lost.begin(), pattern.lost.end()), pattern.lost.end());
  return pattern;
}

}  // namespace

LossPattern loss_pattern(const model::Loss& loss) {
  if (const auto* random = std::get_if<model::RandomLoss>(&loss)) return random_pattern(*random);
  if (const auto* burst = std::get_if<model::BurstLoss>(&loss)) return burst_pattern(*burst);
  if (const auto* list = std::get_if<model::PacketListLoss>(&loss)) return list_pattern(*list);
  return {};
}

std::string match_lost(const LossPattern& pattern) {
  if (pattern.lost.empty()) return "";
  return fmt::format("numgen inc mod {} {{ {} }}", pattern.period, fmt::join(pattern.lost, ", "));
}

}  // namespace crypelab::blueprint
