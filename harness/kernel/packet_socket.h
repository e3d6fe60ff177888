#pragma once

#include "harness/base/descriptor.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace crypelab::kernel {

struct Packet {
  std::string bytes;
  std::vector<Descriptor> descriptors;
};

// A connected Unix socket that keeps message boundaries (SOCK_SEQPACKET) and carries descriptors. Messages of at most
// 64 KiB with at most 8 descriptors; what exceeds that is cut off and reported as the end of the connection.
class PacketSocket {
 public:
  PacketSocket() = default;
  explicit PacketSocket(Descriptor socket) : socket_(std::move(socket)) {}
  static std::pair<PacketSocket, PacketSocket> pair();

  int descriptor() const { return socket_.get(); }
  explicit operator bool() const { return static_cast<bool>(socket_); }
  void close() { socket_.close(); }
  // Ends the connection for both sides, whoever else holds a copy of this descriptor.
  void hang_up();

  // False when the other side is gone or its queue is full (it never blocks); throws Failure for anything else.
  bool send(std::string_view bytes, const std::vector<int>& descriptors = {}) const;
  // Waits for the next message; nothing when the other side is gone.
  std::optional<Packet> receive() const;
  // The next message if one is there. `ended` is set when the other side is gone.
  std::optional<Packet> poll(bool& ended) const;
  // Who is at the other end, as the kernel saw it at connect(2) (SO_PEERCRED).
  struct Peer {
    pid_t process;
    uid_t user;
    gid_t group;
  };
  Peer peer() const;

 private:
  std::optional<Packet> receive(int flags, bool& ended) const;
  Descriptor socket_;
};

}  // namespace crypelab::kernel
