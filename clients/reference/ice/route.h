#pragma once

#include "harness/base/address.h"
#include "harness/wire/bytes.h"

#include <compare>
#include <cstdint>

namespace crypelab::client::ice {

// The owner's number for something that packets leave from: a UDP socket, a relayed address of a TURN allocation, a TCP
// listener, or the willingness to open TCP connections from one local address.
using Base = std::uint32_t;

// Where packets go, and from where. Over TCP it names one connection: an active base opens at most one to each remote
// endpoint, and those that a listener accepts differ in the remote endpoint.
struct Route {
  Base base = 0;
  Endpoint remote;
  auto operator<=>(const Route&) const = default;
};

// What an agent wants done. Called from within the agent's functions; must not call back into it.
class Output {
 public:
  virtual ~Output() = default;
  // A datagram; on TCP routes bytes of the stream, framed already (RFC 4571).
  virtual void send(const Route& route, wire::Bytes bytes) = 0;
  // What the peer sent over the path: DTLS. The view holds during the call.
  virtual void deliver(wire::Bytes packet) = 0;
  // Open this TCP connection; answer with Agent::connected or Agent::disconnected.
  virtual void connect(const Route& route) = 0;
  // A TURN permission for this peer is wanted (RFC 8445 §7.2.1), kept until the agent ends; answer with
  // Agent::permission.
  virtual void permit(Base base, const Address& peer) = 0;
};

}  // namespace crypelab::client::ice
