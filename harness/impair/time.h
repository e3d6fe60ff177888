#pragma once

#include <chrono>

namespace crypelab::impair {

// Any clock without jumps; only differences matter. The engine uses CLOCK_MONOTONIC.
using Time = std::chrono::nanoseconds;
inline constexpr Time kNever = Time::max();

}  // namespace crypelab::impair
