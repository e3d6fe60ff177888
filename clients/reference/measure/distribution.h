#pragma once

#include "harness/base/units.h"

#include <array>
#include <cstdint>
#include <vector>

namespace crypelab::client::measure {

// A distribution of times in buckets of the same relative width, as HdrHistogram has them: at most 1/64 wide, in fixed
// memory, whatever is recorded. From 1 us to 12 days.
class Distribution {
 public:
  void record(Duration value);
  std::uint64_t count() const { return count_; }
  Duration min() const { return min_; }
  Duration max() const { return max_; }
  // The smallest recorded value (within a bucket) that `share` of all values do not exceed; 0 when there are none.
  Duration quantile(double share) const;

 private:
  static constexpr unsigned fine_bits = 7;  // 64 buckets for each power of two
  static constexpr unsigned largest_power = 40;
  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t highest_of(std::size_t bucket);

  std::vector<std::uint32_t> buckets_;  // grows up to the largest value recorded
  std::uint64_t count_ = 0;
  Duration min_{0};
  Duration max_{0};
};

}  // namespace crypelab::client::measure
