#pragma once

#include "harness/base/descriptor.h"
#include "harness/probe/dialogue.h"

#include <array>
#include <optional>
#include <vector>

#include <sys/socket.h>

namespace crypelab::probe {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return static_cast<const sockaddr*>(static_cast<const void*>(&storage)); }
  sockaddr* get() { return static_cast<sockaddr*>(static_cast<void*>(&storage)); }
};
SocketAddress to_socket_address(const Endpoint& endpoint);
Endpoint to_endpoint(const SocketAddress& address);

// The address that the machine would use towards `to`, or nothing: no route, no address of that family.
std::optional<Address> source_towards(const Endpoint& to);

// Non-blocking; ICMP errors are kept for read_errors(); packets may be fragmented on their way. Throws Failure.
Descriptor open_udp(const Endpoint& local);
Descriptor open_tcp(Family family);
// With the local address to be used by several sockets (SO_REUSEADDR).
void bind_to(const Descriptor& socket, const Endpoint& local);
Descriptor listen_on(const Endpoint& local);
Endpoint local_endpoint(const Descriptor& socket);

// Sends one datagram. What the machine itself refuses is told as an error, as if the network had.
std::optional<Unreached> send_datagram(const Descriptor& socket, const Outgoing& outgoing);

struct Incoming {
  Endpoint from;
  wire::Bytes bytes;  // in the buffer
};
using ReceiveBuffer = std::array<std::uint8_t, 65536>;
// The next datagram, or nothing.
std::optional<Incoming> receive_datagram(const Descriptor& socket, ReceiveBuffer& buffer);

// The ICMP errors that have come for what this socket sent; at most 64.
std::vector<Unreached> read_errors(const Descriptor& socket);

// What an error number of connect() or send() says when no ICMP error explains it.
measure::Outcome outcome_of_error(int error);

Time now();

}  // namespace crypelab::probe
