#pragma once

#include "harness/base/measure.h"
#include "harness/probe/packet.h"

#include <cstdint>
#include <vector>

namespace crypelab::probe {

// Numbers beyond this are not told apart: what one session may cost in memory is 8 KiB.
inline constexpr std::uint32_t max_number = 65'536;

// Counts numbered packets that arrive: which, how often, in which order, when.
class Arrivals {
 public:
  // `size`: bytes of payload.
  void note(std::uint32_t number, std::size_t size, Duration now);
  // The same for a stream, which has no numbers.
  void note_bytes(std::size_t size, Duration now);
  bool has(std::uint32_t number) const;
  std::uint32_t received() const { return received_; }
  std::uint32_t highest() const { return highest_; }
  Duration last() const { return last_; }
  Report report(std::uint32_t base) const;

 private:
  std::vector<std::uint8_t> seen_;  // grows with the numbers
  std::array<std::uint32_t, bin_count> bins_{};
  std::uint32_t received_ = 0;
  std::uint32_t duplicated_ = 0;
  std::uint32_t reordered_ = 0;
  std::uint32_t highest_ = 0;
  std::uint64_t bytes_ = 0;
  Duration first_{-1};
  Duration last_{0};
};

// Bytes of payload per second, seen over the time in which traffic was steady: the first quarter of it is left out,
// because a bucket that was full lets a burst pass; the last bin too, because it is not whole. 0 when there is nothing
// to tell by.
double steady_rate(const std::array<std::uint32_t, bin_count>& bins);

}  // namespace crypelab::probe
