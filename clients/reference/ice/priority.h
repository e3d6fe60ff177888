#pragma once

#include "harness/base/address.h"
#include "harness/wire/ice_candidate.h"

#include <cstdint>
#include <span>
#include <vector>

namespace crypelab::client::ice {

// How the connection to a TURN server runs: "udp relay" in SDP says nothing about it.
enum class RelayedOver { none, udp, tcp, tls };

// RFC 8445 §5.1.2.1 for UDP; TCP below every UDP candidate of the same kind (RFC 6544 §4.2); relays last, the plainer
// transport to the server first.
unsigned type_preference(wire::IceCandidate::Type type, wire::IceCandidate::Transport transport, RelayedOver over);

// RFC 8445 §5.1.2.1; component 1.
std::uint32_t candidate_priority(unsigned type_preference, std::uint16_t local_preference);

// The local preference of a TCP candidate: its direction above, `other` (13 bits) below (RFC 6544 §4.2).
std::uint16_t tcp_local_preference(wire::IceCandidate::Type type, wire::IceCandidate::TcpType direction,
                                   std::uint16_t other);

// RFC 8445 §6.1.2.3, `controlling` and `controlled` being the candidates' priorities.
std::uint64_t pair_priority(std::uint32_t controlling, std::uint32_t controlled);

// One local preference for each address, in their order: IPv6 first, then the families in turn, so that neither starves
// the other (RFC 8421 §4). Within a family the order given counts.
std::vector<std::uint16_t> fair_preferences(std::span<const Address> addresses);

// Whether a host candidate may have this address: no loopback, site-local or v4-mapped one (RFC 8445 §5.1.1.1), and
// none that cannot be reached from outside the link or stands for no host.
bool is_offerable(const Address& address);
bool is_loopback(const Address& address);

}  // namespace crypelab::client::ice
