#pragma once

#include "clients/reference/time.h"

#include <optional>
#include <string_view>

namespace crypelab::client::call {

// What happened to the path, from the slightest to the gravest.
enum class Recovery { retransmission, new_pair, reconnect, restart };
std::string_view name_of(Recovery recovery);

struct Gap {
  Time begin{};
  Duration length{0};
  std::optional<Recovery> recovered_by;  // absent: it never ended
};

// Interruptions of what should arrive all the time: silences longer than `threshold`, and what ended them.
class GapWatch {
 public:
  static constexpr Duration threshold = 400ms;

  explicit GapWatch(Time now) : last_(now) {}
  // Something arrived: the gap that this ends, if it was one.
  std::optional<Gap> arrived(Time now);
  // The path was changed; the gravest change during a gap is what it is said to be recovered by.
  void changed(Recovery how);
  // Nothing more is awaited: the gap that never ended, if there is one.
  std::optional<Gap> finish(Time now) const;
  Time last() const { return last_; }

 private:
  Time last_;
  Recovery gravest_ = Recovery::retransmission;
};

}  // namespace crypelab::client::call
