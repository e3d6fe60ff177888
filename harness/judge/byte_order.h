#pragma once

#include "harness/wire/bytes.h"

#include <cstdint>
#include <map>
#include <vector>

namespace crypelab::judge {

// One direction of a TCP connection, put back into order. Holds at most a mebibyte that came too early: beyond, it is
// broken, and nothing more can be said of what follows.
class ByteOrder {
 public:
  void begin(std::uint32_t sequence) {
    next_ = sequence + 1;
    known_ = true;
  }
  bool broken() const { return broken_; }

  // Takes a segment; `take` gets what is now in order, piece by piece.
  template <class Take>
  void feed(std::uint32_t sequence, wire::Bytes payload, Take take) {
    if (!known_ || payload.empty()) return;
    const auto ahead = static_cast<std::int32_t>(sequence - next_);
    if (ahead > 0) {
      const auto there = early_.find(sequence);
      const std::size_t kept = there == early_.end() ? 0 : there->second.size();
      if (payload.size() <= kept) return;  // what is sent again may be longer
      broken_ = broken_ || held_ + payload.size() - kept > kMostHeld;
      if (broken_) return;
      held_ += payload.size() - kept;
      early_[sequence].assign(payload.begin(), payload.end());
      return;
    }
    const auto repeated = static_cast<std::size_t>(-static_cast<std::int64_t>(ahead));
    if (repeated >= payload.size()) return;
    take(payload.subspan(repeated));
    next_ += static_cast<std::uint32_t>(payload.size() - repeated);
    for (auto it = early_.begin(); it != early_.end();) {
      const auto offset = static_cast<std::int32_t>(next_ - it->first);
      if (offset < 0) {
        ++it;
        continue;
      }
      if (static_cast<std::size_t>(offset) < it->second.size()) {
        take(wire::Bytes(it->second).subspan(static_cast<std::size_t>(offset)));
        next_ += static_cast<std::uint32_t>(it->second.size()) - static_cast<std::uint32_t>(offset);
      }
      held_ -= it->second.size();
      early_.erase(it);
      it = early_.begin();  // what now fits may stand before
    }
  }

 private:
  static constexpr std::size_t kMostHeld = 1U << 20U;
  bool known_ = false;
  bool broken_ = false;
  std::uint32_t next_ = 0;
  std::size_t held_ = 0;
  std::map<std::uint32_t, std::vector<std::uint8_t>> early_;
};

}  // namespace crypelab::judge
