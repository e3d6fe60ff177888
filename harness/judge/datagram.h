#pragma once

#include "harness/judge/flow.h"

namespace crypelab::judge {

// Notes what one whole message of a flow says: a datagram, or a frame of a stream.
void note_message(Flow& flow, wire::Bytes message, Moment at, bool outgoing);

// The same of a question to a resolver or its answer.
void note_dns(Flow& flow, wire::Bytes message, Moment at, bool outgoing);

// At most so many notes of each kind a flow.
inline constexpr std::size_t kMostNotes = 200'000;

}  // namespace crypelab::judge
