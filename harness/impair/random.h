#pragma once

#include "harness/base/units.h"

#include <cstdint>
#include <string_view>

namespace crypelab::impair {

// What a random number is for. Each purpose has a stream of its own, so that switching jitter on does not change which
// packets are lost.
enum class Purpose : std::uint8_t { loss, burst, duplication, reordering, jitter };

// A random number that is a function of its arguments alone: the fate of packet `index` depends on nothing that
// happened to other packets, on no standard library and on no machine. (The finalizer of SplitMix64, Steele, Lea,
// Flood, OOPSLA 2014.)
std::uint64_t random_at(std::uint64_t seed, Purpose purpose, std::uint64_t index);

// True for `share` of all 64-bit values.
bool falls_within(std::uint64_t random, Ratio share);

// A seed for one direction of one link out of the scenario's seed. Two directions with one seed would lose the same
// packets.
std::uint64_t derive_seed(std::uint64_t seed, std::string_view link, std::string_view direction);

}  // namespace crypelab::impair
