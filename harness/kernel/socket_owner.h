#pragma once

#include "harness/base/address.h"
#include "harness/kernel/netlink.h"
#include "harness/kernel/network_namespace.h"

#include <cstdint>
#include <optional>
#include <string>

namespace crypelab::kernel {

struct OpenSocket {
  std::uint32_t user = 0;   // as this process knows users
  std::uint64_t inode = 0;  // 0: no program holds it any more
};

// Asks the kernel who has the sockets of a network namespace (sock_diag(7)).
class SocketOwners {
 public:
  explicit SocketOwners(const NetworkNamespace& in);
  // The TCP or UDP socket of that namespace that sends from `local` to `remote`; nothing when there is none (any more),
  // or the kernel does not tell (CONFIG_INET_DIAG, CONFIG_INET_UDP_DIAG).
  std::optional<OpenSocket> find(bool tcp, const Endpoint& local, const Endpoint& remote);

 private:
  NetlinkSocket socket_;
};

// The name of a program, that of its file, that has this socket open now: among those of that user, as /proc shows
// them (proc(5)). Empty when there is none, or it has thousands of files open.
std::string program_with(const OpenSocket& socket);

}  // namespace crypelab::kernel
