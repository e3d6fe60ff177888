#pragma once

#include "harness/kernel/packet_socket.h"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace crypelab::kernel {

// The way from a second terminal to a running lab: an abstract Unix socket (unix(7)), so that nothing lies on disk.
// Such sockets belong to a network namespace: make it in the command, before supervise(), and take it along.
class AttachSocket {
 public:
  // `lab` is a word without "/". Throws Failure{unavailable} when a lab of that name runs already.
  explicit AttachSocket(const std::string& lab);

  int descriptor() const { return socket_.get(); }
  // The next connection, if there is one. Connections of other users are refused: they hear a SessionNews and are
  // closed. (The lab of a user cannot tell root from a stranger, whose uids do not exist in its user namespace;
  // attach() makes up for that.)
  std::optional<PacketSocket> accept() const;

 private:
  uid_t owner_;
  Descriptor socket_;
};

struct AttachName {
  uid_t owner = 0;
  std::string lab;
  bool operator==(const AttachName&) const = default;
};

// The labs that can be attached to, of all users.
std::vector<AttachName> running_labs();
// Connects to a running lab, root to anybody's. Throws Failure{unavailable} when there is none, Failure{privilege} when
// something else answers under its name.
PacketSocket attach(const AttachName& name);

}  // namespace crypelab::kernel
