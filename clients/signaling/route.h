#pragma once

#include "clients/signaling/message.h"

#include <cstdint>
#include <string_view>
#include <variant>

namespace crypelab::signaling {

// What a request asks for; views into its target and header.
struct SocketRoute {  // /v1/rooms/{room}?after=N with an upgrade to WebSocket
  std::string_view room;
  std::uint64_t after = 0;
};
struct PostRoute {  // POST /v1/rooms/{room}/messages
  std::string_view room;
};
struct PollRoute {  // GET /v1/rooms/{room}/messages?after=N&wait=S
  std::string_view room;
  std::uint64_t after = 0;
  unsigned wait = 0;  // seconds, at most `longest_wait`; more is asked for less
};
struct IceRoute {};        // GET /v1/ice-servers
struct PreflightRoute {};  // OPTIONS of any of them (Fetch, CORS preflight)

constexpr unsigned longest_wait = 60;

using Route = std::variant<SocketRoute, PostRoute, PollRoute, IceRoute, PreflightRoute, Refusal>;

// Codes: not-found, bad-room, bad-query, bad-method, upgrade-required (a room asked for without a WebSocket).
Route route(std::string_view method, std::string_view target, bool upgrade);

// HTTP status of a refusal (RFC 9110 section 15).
unsigned status_of(std::string_view code);

// The bearer token (RFC 6750 section 2.1) out of an Authorization field; empty when there is none.
std::string_view bearer(std::string_view authorization);

// A WebSocket from a browser cannot carry an Authorization field: the token is the second of the subprotocols that it
// offers, `crype.token.<base64url of the token>`.
struct Offer {
  bool v1 = false;         // crype.signaling.v1 is among them
  std::string_view token;  // still base64url; empty when there is none
};
Offer read_offer(std::string_view subprotocols);

}  // namespace crypelab::signaling
