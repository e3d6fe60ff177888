#pragma once

namespace crypelab::faults {

// How many TCP segments with data have arrived on a connected socket.
unsigned data_segments_in(int socket);

}  // namespace crypelab::faults
