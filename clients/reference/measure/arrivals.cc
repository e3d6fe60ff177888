#include "clients/reference/measure/arrivals.h"

namespace crypelab::client::measure {

bool Arrivals::take(std::uint64_t sequence, std::size_t bytes, Time now) {
  if (seen_.empty()) seen_.resize(window);
  if (sequence >= next_) {
    if (sequence - next_ >= window) {
      seen_.assign(window, false);
    } else {
      for (auto i = next_; i <= sequence; ++i) seen_[i % window] = false;
    }
    next_ = sequence + 1;
  } else {
    if (next_ - sequence > window || seen_[sequence % window]) {
      ++duplicated_;  // too old to know: as likely as not
      return false;
    }
    ++reordered_;
  }
  seen_[sequence % window] = true;
  if (received_ == 0) first_ = now;
  last_ = now;
  ++received_;
  bytes_ += bytes;
  return true;
}

}  // namespace crypelab::client::measure
