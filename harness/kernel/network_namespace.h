#pragma once

#include "harness/base/descriptor.h"
#include "harness/kernel/netlink.h"

#include <optional>
#include <string_view>

namespace crypelab::kernel {

// A network namespace that nothing but this object's descriptors names: when the object and whatever runs inside are
// gone, the kernel removes the namespace with every interface, address and rule in it (network_namespaces(7)).
//
// Fresh ones have `lo` up and are quiet: no router advertisements, no duplicate address detection, no generated IPv6
// addresses, no reverse path filter whatever the machine outside has set.
//
// The calling thread needs CAP_SYS_ADMIN and CAP_NET_ADMIN in its user namespace, and a /proc of its own PID namespace.
// The object stays where it is: links, cables and captures refer to it.
class NetworkNamespace {
 public:
  // Throws Failure: Exit::privilege without the capabilities, Exit::os where a limit is reached, saying which.
  NetworkNamespace();
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;

  int descriptor() const { return descriptor_.get(); }
  // The namespace's own rtnetlink socket. Not for two threads at once.
  NetlinkSocket& route() const { return *route_; }

  // A socket inside, CLOEXEC; `type` may carry SOCK_NONBLOCK. Throws Failure.
  Descriptor open_socket(int family, int type, int protocol = 0) const;
  // Sets a network sysctl inside: sysctl("net/ipv4/ip_forward", "1"). Throws Failure.
  void sysctl(std::string_view path, std::string_view value) const;

 private:
  Descriptor descriptor_;
  mutable std::optional<NetlinkSocket> route_;
};

// While it lives the calling thread is inside the namespace: sockets and programs that it starts belong there. Nests.
// The only way in for code that must open sockets there.
class InNamespace {
 public:
  explicit InNamespace(const NetworkNamespace& inside);
  // Ends the process if there is no way back: going on in a customer's network would be worse.
  ~InNamespace();
  InNamespace(const InNamespace&) = delete;
  InNamespace& operator=(const InNamespace&) = delete;

 private:
  Descriptor home_;
};

// Makes room for `needed` open descriptors (two a namespace, two more a capture or counter reader): raises the soft
// limit as far as the hard one allows. Throws Failure saying what to do where that is not enough.
void reserve_descriptors(std::size_t needed);

}  // namespace crypelab::kernel
