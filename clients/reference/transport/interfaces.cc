#include "clients/reference/transport/interfaces.h"

#include "clients/reference/ice/priority.h"
#include "harness/base/descriptor.h"
#include "harness/base/error.h"
#include "harness/base/socket_address.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

namespace crypelab::client::transport {
namespace {

std::optional<Address> address_of(const sockaddr* from) {
  if (from == nullptr || (from->sa_family != AF_INET && from->sa_family != AF_INET6)) return std::nullopt;
  SocketAddress address;
  const socklen_t size = from->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  std::memcpy(address.data(), from, size);
  *address.size_for_kernel() = size;
  return address.endpoint().address;
}

}  // namespace

std::vector<Address> local_addresses(bool all) {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) throw_errno("getifaddrs");
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(first, freeifaddrs);
  std::vector<Address> found;
  std::vector<std::pair<std::string, Prefix>> networks;  // of IPv6, one address each
  for (const auto* one = first; one != nullptr; one = one->ifa_next) {
    if ((one->ifa_flags & IFF_UP) == 0) continue;
    const auto address = address_of(one->ifa_addr);
    if (!address || std::find(found.begin(), found.end(), *address) != found.end()) continue;
    if (!all) {
      if ((one->ifa_flags & IFF_LOOPBACK) != 0 || !ice::is_offerable(*address)) continue;
      if (address->is_v6()) {
        const std::pair network(std::string(one->ifa_name), Prefix{Prefix{*address, 64}.network(), 64});
        if (std::find(networks.begin(), networks.end(), network) != networks.end()) continue;
        networks.push_back(network);
      }
    }
    found.push_back(*address);
  }
  return found;
}

Address source_towards(const Endpoint& remote) {
  const Address none = remote.address.is_v6() ? Address::v6({}) : Address();
  const SocketAddress target(remote);
  const Descriptor socket(::socket(target.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket || ::connect(socket.get(), target.data(), target.size()) != 0) return none;
  SocketAddress source;
  if (::getsockname(socket.get(), source.data(), source.size_for_kernel()) != 0) return none;
  return source.endpoint().address;
}

}  // namespace crypelab::client::transport
