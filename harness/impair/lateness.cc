#include "harness/impair/lateness.h"

#include <algorithm>
#include <bit>

namespace crypelab::impair {

std::size_t Lateness::bucket_of(std::uint64_t value) {
  value = std::min(value, (std::uint64_t{1} << kPowers) - 1);
  if (value < (1u << kSubBits)) return value;
  const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kSubBits - 1;
  return (static_cast<std::size_t>(shift + 1) << kSubBits) + ((value >> shift) & ((1u << kSubBits) - 1));
}

std::uint64_t Lateness::upper_of(std::size_t bucket) {
  const std::size_t row = bucket >> kSubBits;
  const std::uint64_t column = bucket & ((1u << kSubBits) - 1);
  if (row == 0) return column;
  return (((std::uint64_t{1} << kSubBits) + column + 1) << (row - 1)) - 1;
}

void Lateness::add(Time late) {
  late = std::max(late, Time::zero());
  ++buckets_[bucket_of(static_cast<std::uint64_t>(late.count()))];
  ++count_;
  max_ = std::max(max_, late);
}

Time Lateness::percentile(unsigned percent) const {
  const std::uint64_t wanted = (count_ * percent + 99) / 100;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size() && wanted > 0; ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::min(Time(static_cast<std::int64_t>(upper_of(i))), max_);
  }
  return Time::zero();
}

}  // namespace crypelab::impair
