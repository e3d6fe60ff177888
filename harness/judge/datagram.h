#pragma once

#include "harness/judge/flow.h"

namespace crypelab::judge {

// Notes what one message of a flow says: a datagram, or a frame of a stream. `size` is the message's on the wire: more
// than there are bytes where the capture kept only its beginning. What cannot be told then makes the flow unread.
void note_message(Flow& flow, wire::Bytes message, std::size_t size, Moment at, bool outgoing);

// The same of a question to a resolver or its answer.
void note_dns(Flow& flow, wire::Bytes message, std::size_t size, Moment at, bool outgoing);

// At most so many notes of each kind a flow; one that has more is unread from there on.
inline constexpr std::size_t kMostNotes = 200'000;
// Notes data of a message or a record.
void note_data(Flow& flow, const DataNote& note);

}  // namespace crypelab::judge
