#pragma once

#include "harness/base/units.h"

#include <chrono>
#include <cstdint>

namespace crypelab::services {

// Whole ones, as settings of programs of ours have them; a time that is not 0 never becomes 0, which would say "none".
inline std::int64_t milliseconds(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration).count();
}

}  // namespace crypelab::services
