#pragma once

#include "harness/impair/time.h"

#include <array>
#include <cstdint>

namespace crypelab::impair {

// How late packets left, as a histogram of fixed size: values up to 4 s (later ones count as 4 s), percentiles within 4
// %.
class Lateness {
 public:
  void add(Time late);
  // The smallest value that `percent` of the packets do not exceed, rounded up within its bucket; 0 without packets.
  Time percentile(unsigned percent) const;
  Time max() const { return max_; }

 private:
  static constexpr unsigned kSubBits = 5;  // 32 buckets for each power of two: 3 %
  static constexpr unsigned kPowers = 32;
  static std::size_t bucket_of(std::uint64_t nanoseconds);
  static std::uint64_t upper_of(std::size_t bucket);

  std::array<std::uint32_t, (kPowers - kSubBits + 1) << kSubBits> buckets_{};
  std::uint64_t count_ = 0;
  Time max_{};
};

}  // namespace crypelab::impair
