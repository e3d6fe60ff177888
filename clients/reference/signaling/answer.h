#pragma once

#include "clients/reference/signaling/web_socket.h"
#include "clients/reference/transport/problem.h"

namespace crypelab::client::signaling {

// What it means that somebody answered so where signaling should be: the server's own refusal, a network that wants a
// login first (a redirection, a page, status 511: RFC 6585 §6), or something on the way that does not let it through.
transport::Trouble trouble_of(const HttpAnswer& answer, const RoomAddress& room, bool web_socket);

}  // namespace crypelab::client::signaling
