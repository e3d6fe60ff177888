#pragma once

#include "harness/model/network.h"

#include <cstdint>
#include <string>
#include <vector>

// Loss as a pattern of packet numbers, worked out beforehand: the same seed loses the same packets, and the share is
// exact over every period, which no dice in the kernel would give.
namespace crypelab::blueprint {

struct LossPattern {
  std::uint32_t period = 1;         // after so many packets the pattern begins again
  std::vector<std::uint32_t> lost;  // indices below `period`, from 0, ascending
  bool operator==(const LossPattern&) const = default;
};

// A packet list never begins again (its period is 2^32-1). No loss: an empty pattern.
LossPattern loss_pattern(const model::Loss& loss);

// The nft expression that matches a packet of the pattern, counting those that reach it: "numgen inc mod 100 { 3, 17
// }". Empty for an empty pattern.
std::string match_lost(const LossPattern& pattern);

}  // namespace crypelab::blueprint
