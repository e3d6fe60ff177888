#pragma once

#include "harness/base/address.h"

#include <sys/socket.h>

namespace crypelab {

// An endpoint as the socket calls want it.
class SocketAddress {
 public:
  // Room for whatever the kernel fills in (accept, recvfrom): pass data() and size_for_kernel().
  SocketAddress() = default;
  explicit SocketAddress(const Endpoint& endpoint);

  int family() const { return storage_.ss_family; }  // AF_INET, AF_INET6
  const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  sockaddr* data() { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  socklen_t* size_for_kernel();
  // 0.0.0.0:0 for a family that is not IP. An IPv4-mapped IPv6 address is given as IPv4.
  Endpoint endpoint() const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace crypelab
