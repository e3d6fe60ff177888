#pragma once

#include "clients/reference/time.h"

#include <cstddef>
#include <cstdint>
#include <deque>

namespace crypelab::client::measure {

// How much of a test's data may wait in the sender: what left during the last second, and 64 kB at least. More would
// only be a longer queue, which a slow path needs longer to empty than the end of a phase waits for.
class SendWindow {
 public:
  static constexpr std::uint64_t least = 65'536;

  // Bytes that may be given away and not be acknowledged yet.
  std::uint64_t room() const { return room_; }
  // A message was taken, or had no room.
  void took(std::size_t bytes, Time now);
  void refused() { refused_ = true; }

 private:
  static constexpr Duration span = 1s;
  static constexpr Duration step = 50ms;  // between two samples
  struct Sample {
    Time at;
    std::uint64_t drained;
  };

  std::uint64_t room_ = least;
  std::uint64_t taken_ = 0;
  bool refused_ = false;
  std::deque<Sample> samples_;
};

}  // namespace crypelab::client::measure
