#pragma once

#include "harness/base/address.h"
#include "harness/wire/stun.h"

#include <optional>
#include <span>
#include <vector>

namespace crypelab::probe {

struct BindingAnswer {
  std::vector<std::uint8_t> bytes;
  std::size_t socket = 0;  // of the server, to send from
  Endpoint to;
  wire::TransactionId token{};
};

// The server of RFC 8489 section 12 and RFC 5780 section 6.1 without state: what it answers to bytes that came from
// `from` to sockets[socket]. With two addresses and two ports it has OTHER-ADDRESS and honours CHANGE-REQUEST; it
// honours RESPONSE-PORT and PADDING. Never larger than the request plus 92 bytes. Nothing when it is no Binding
// request. `stream`: over TCP, where CHANGE-REQUEST and RESPONSE-PORT cannot be honoured (section 7.2: answered 420).
std::optional<BindingAnswer> answer_binding(std::span<const Endpoint> sockets, std::size_t socket, const Endpoint& from,
                                            wire::Bytes request, bool stream);

// Another address of the same family and another port among the sockets; nothing when there is none.
std::optional<Endpoint> other_endpoint(std::span<const Endpoint> sockets, const Endpoint& local);

}  // namespace crypelab::probe
