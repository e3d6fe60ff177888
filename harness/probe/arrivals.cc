#include "harness/probe/arrivals.h"

#include <algorithm>
#include <numeric>

namespace crypelab::probe {

void Arrivals::note_bytes(std::size_t size, Duration now) {
  if (first_ < Duration(0)) first_ = now;
  last_ = now;
  bytes_ += size;
  const auto bin = static_cast<std::uint64_t>((now - first_).count()) / bin_microseconds;
  if (bin < bin_count) bins_[bin] += static_cast<std::uint32_t>(size);
}

void Arrivals::note(std::uint32_t number, std::size_t size, Duration now) {
  if (number == 0 || number > max_number) return;
  note_bytes(size, now);
  if (has(number)) {
    ++duplicated_;
    return;
  }
  const std::size_t byte = (number - 1) / 8;
  if (byte >= seen_.size()) seen_.resize(byte + 1);
  seen_[byte] = static_cast<std::uint8_t>(seen_[byte] | 1u << (number - 1) % 8);
  ++received_;
  if (number < highest_) ++reordered_;
  highest_ = std::max(highest_, number);
}

bool Arrivals::has(std::uint32_t number) const {
  if (number == 0) return false;
  const std::size_t byte = (number - 1) / 8;
  return byte < seen_.size() && (seen_[byte] >> (number - 1) % 8 & 1) != 0;
}

Report Arrivals::report(std::uint32_t base) const {
  Report report;
  report.base = (std::max(base, 1u) - 1) / 8 * 8 + 1;  // whole bytes
  report.received = received_;
  report.duplicated = duplicated_;
  report.reordered = reordered_;
  report.bytes = bytes_;
  report.bins = bins_;
  report.seen.resize(numbers_per_report / 8);
  const std::size_t from = (report.base - 1) / 8;
  for (std::size_t i = 0; i < report.seen.size() && from + i < seen_.size(); ++i) report.seen[i] = seen_[from + i];
  return report;
}

double steady_rate(const std::array<std::uint32_t, bin_count>& bins) {
  std::size_t end = bin_count;
  while (end > 0 && bins[end - 1] == 0) --end;
  if (end < bin_count) end = end > 0 ? end - 1 : 0;
  const std::size_t begin = std::max<std::size_t>(end / 4, 1);
  if (end <= begin) return 0;
  const auto bytes = std::accumulate(bins.begin() + static_cast<std::ptrdiff_t>(begin),
                                     bins.begin() + static_cast<std::ptrdiff_t>(end), std::uint64_t{0});
  return static_cast<double>(bytes) * 1e6 / (static_cast<double>(end - begin) * bin_microseconds);
}

}  // namespace crypelab::probe
