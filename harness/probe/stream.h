#pragma once

#include "harness/probe/socket.h"

#include <optional>

namespace crypelab::probe {

// A local endpoint for Stream: that address, and whichever port is free.
inline std::optional<Endpoint> any_port(std::optional<Address> address) {
  if (!address) return std::nullopt;
  return Endpoint{*address, 0};
}

// A TCP connection of ours that is being opened, stands, or has come to an end.
class Stream {
 public:
  // `local`: its own endpoint, shared with other connections (SO_REUSEADDR), or only an address (port 0), or nothing.
  Stream(const Endpoint& to, std::optional<Endpoint> local);

  const Descriptor& socket() const { return socket_; }
  std::optional<Endpoint> local() const { return local_; }
  bool stands() const { return stands_; }
  bool ended() const { return ended_.has_value(); }
  // Why it ended; `accepted` while it stands, `silent` while it does not yet.
  measure::Outcome outcome() const;
  std::optional<Address> icmp_from() const { return icmp_from_; }
  short events() const;  // for poll: until it stands, that it does; then what can be read
  // To be called with what poll() said. Afterwards it may stand or have ended.
  void ready(short revents);
  // Bytes that have come, nothing more for now when empty.
  wire::Bytes read(ReceiveBuffer& buffer);
  // How many bytes the kernel took.
  std::size_t write(wire::Bytes bytes);
  void close_writing();

 private:
  void fail(int error);

  Descriptor socket_;
  std::optional<Endpoint> local_;
  bool stands_ = false;
  std::optional<measure::Outcome> ended_;
  std::optional<Address> icmp_from_;
};

}  // namespace crypelab::probe
