#pragma once

#include "harness/impair/frame.h"

#include <vector>

namespace crypelab::impair {

// Cuts a segmentation-offload frame (TCP over IPv4 or IPv6, UDP_SEGMENT) into the packets that a network card would put
// on the wire: lengths, IPv4 identification and header checksum, TCP sequence numbers and flags. The checksum of TCP or
// UDP is left to whoever receives, as it came (VnetHeader::kNeedsChecksum), with the right pseudo-header sum. Appends
// to `out`; false, with `out` untouched, when the frame is not what its header says. A frame that is not aggregate is
// refused too.
bool segment(const Frame& aggregate, std::vector<Frame>& out);

}  // namespace crypelab::impair
