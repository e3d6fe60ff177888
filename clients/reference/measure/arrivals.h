#pragma once

#include "clients/reference/time.h"

#include <cstdint>
#include <vector>

namespace crypelab::client::measure {

// What arrived of a numbered sequence: how much, what twice, what out of order. Remembers the last 65536 numbers.
class Arrivals {
 public:
  // False for a repetition, which counts as nothing else.
  bool take(std::uint64_t sequence, std::size_t bytes, Time now);

  std::uint64_t received() const { return received_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t reordered() const { return reordered_; }  // came after one with a higher number
  std::uint64_t duplicated() const { return duplicated_; }
  std::uint64_t highest() const { return next_ == 0 ? 0 : next_ - 1; }
  Time first() const { return first_; }
  Time last() const { return last_; }
  // From the first to the last arrival.
  Duration span() const { return std::chrono::duration_cast<Duration>(last_ - first_); }

 private:
  static constexpr std::uint64_t window = 65'536;
  std::vector<bool> seen_;
  std::uint64_t next_ = 0;  // one above the highest number
  std::uint64_t received_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t reordered_ = 0;
  std::uint64_t duplicated_ = 0;
  Time first_{};
  Time last_{};
};

}  // namespace crypelab::client::measure
