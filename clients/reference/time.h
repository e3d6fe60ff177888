#pragma once

#include "harness/base/units.h"

#include <algorithm>
#include <chrono>
#include <optional>

namespace crypelab::client {

using namespace std::chrono_literals;

// A moment on a monotonic clock. Protocol cores never read it: they are told.
using Time = std::chrono::steady_clock::time_point;

// The earlier of two wake-ups; nothing means "never".
inline std::optional<Time> earlier(std::optional<Time> a, std::optional<Time> b) {
  if (!a) return b;
  if (!b) return a;
  return std::min(*a, *b);
}

}  // namespace crypelab::client
