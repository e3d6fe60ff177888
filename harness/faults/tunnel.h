#pragma once

#include "harness/faults/edge.h"
#include "harness/faults/tunnel_fate.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace crypelab::faults {

struct TunnelEnd {
  std::string_view reason;     // "client", "upstream" (who closed), "error", or what TunnelFate says
  std::uint64_t received = 0;  // from the client
  std::uint64_t sent = 0;      // to the client
};

// Relays between two connected sockets until both directions have ended or the fate says so. `early` came from the
// client behind the head of its request. A tunnel that is cut by silence stays open, takes everything and gives
// nothing, until the client goes.
asio::awaitable<TunnelEnd> relay(tcp::socket& client, tcp::socket& upstream, std::string early, Pace pace, CutBy by,
                                 TunnelFate fate, const Stopwatch& clock);

}  // namespace crypelab::faults
