#include "clients/reference/measure/distribution.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace crypelab::client::measure {

std::size_t Distribution::bucket_of(std::uint64_t value) {
  constexpr std::uint64_t fine = std::uint64_t{1} << fine_bits;
  if (value < fine) return value;
  // The highest `fine_bits` bits of the value, and how far they are shifted.
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - fine_bits;
  const auto top = value >> shift;  // from fine/2 to fine-1
  return fine + (shift - 1) * (fine / 2) + (top - fine / 2);
}

std::uint64_t Distribution::highest_of(std::size_t bucket) {
  constexpr std::uint64_t fine = std::uint64_t{1} << fine_bits;
  if (bucket < fine) return bucket;
  const auto shift = (bucket - fine) / (fine / 2) + 1;
  const auto top = (bucket - fine) % (fine / 2) + fine / 2;
  return ((top + 1) << shift) - 1;
}

void Distribution::record(Duration value) {
  const auto number = std::min<std::uint64_t>(static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0)),
                                              (std::uint64_t{1} << largest_power) - 1);
  const auto bucket = bucket_of(number);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  const Duration kept(static_cast<std::int64_t>(number));
  min_ = count_ == 0 ? kept : std::min(min_, kept);
  max_ = std::max(max_, kept);
  ++count_;
}

Duration Distribution::quantile(double share) const {
  if (count_ == 0) return Duration{0};
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen < std::max<std::uint64_t>(wanted, 1)) continue;
    return std::clamp(Duration(static_cast<std::int64_t>(highest_of(bucket))), min_, max_);
  }
  return max_;
}

}  // namespace crypelab::client::measure
