#pragma once

#include "harness/wire/packet.h"

#include <cstdint>
#include <vector>

namespace crypelab::gate {

// A whole IP packet with a TCP reset, of either family: from `source`, as if it had sent everything before `sequence`
// and received everything before `acknowledgment`. RFC 5961 section 3.2: a receiver believes it when `sequence` is
// exactly the next number that it waits for.
std::vector<std::uint8_t> build_reset(const Endpoint& source, const Endpoint& destination, std::uint32_t sequence,
                                      std::uint32_t acknowledgment);

}  // namespace crypelab::gate
