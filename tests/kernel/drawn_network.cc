#include "drawn_network.h"

#include "harness/base/error.h"
#include "harness/kernel/route.h"
#include "harness/kernel/rule_set.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace crypelab::testing {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  SocketAddress() = default;
  explicit SocketAddress(const Endpoint& endpoint) {
    const auto& bytes = endpoint.address.bytes();
    if (endpoint.address.is_v4()) {
      sockaddr_in v4{};
      v4.sin_family = AF_INET;
      v4.sin_port = htons(endpoint.port);
      std::memcpy(&v4.sin_addr, bytes.data(), sizeof v4.sin_addr);
      std::memcpy(&storage, &v4, size = sizeof v4);
    } else {
      sockaddr_in6 v6{};
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(endpoint.port);
      std::memcpy(&v6.sin6_addr, bytes.data(), sizeof v6.sin6_addr);
      std::memcpy(&storage, &v6, size = sizeof v6);
    }
  }
  Endpoint endpoint() const {
    if (storage.ss_family == AF_INET) {
      sockaddr_in v4{};
      std::memcpy(&v4, &storage, sizeof v4);
      return {Address::v4(ntohl(v4.sin_addr.s_addr)), ntohs(v4.sin_port)};
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return {Address::v6(bytes), ntohs(v6.sin6_port)};
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Descriptor bound(const kernel::NetworkNamespace& in, int type, const Endpoint& local) {
  Descriptor socket = in.open_socket(local.address.is_v4() ? AF_INET : AF_INET6, type | SOCK_NONBLOCK);
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const SocketAddress name(local);
  if (::bind(socket.get(), name.get(), name.size) != 0) throw_errno("bind to " + to_string(local));
  return socket;
}

bool ready(int descriptor, short events, int milliseconds) {
  pollfd polled{descriptor, events, 0};
  return ::poll(&polled, 1, milliseconds) == 1;
}

kernel::Mac mac_of(std::size_t cable, std::uint8_t end) {
  return {2, 0, end, 0, static_cast<std::uint8_t>(cable >> 8), static_cast<std::uint8_t>(cable)};
}

}  // namespace

DrawnNetwork::DrawnNetwork(const model::Scenario& scenario, const std::vector<std::string>& world)
    : blueprint_(blueprint::draw(scenario)) {
  const auto absent = [&](const std::string& name) {
    const auto* host = blueprint::find_host(blueprint_, name);
    return host->role == blueprint::Role::world && std::ranges::find(world, name) == world.end();
  };
  std::map<std::pair<std::string, std::string>, kernel::Link> links;
  for (const auto& host : blueprint_.hosts) {
    if (absent(host.name)) continue;
    auto& space = spaces_[host.name];
    for (const auto& sysctl : host.sysctls) space.sysctl("net/" + sysctl.path, sysctl.value);
    for (const auto& bridge : host.bridges) {
      auto link = kernel::make_bridge(space, bridge.name, {2, 0, 9, 9, 9, 9});
      for (const auto& address : bridge.addresses) link.add(address);
      links.emplace(std::pair(host.name, bridge.name), link);
    }
  }
  for (std::size_t i = 0; i < blueprint_.cables.size(); ++i) {
    const auto& cable = blueprint_.cables[i];
    if (absent(cable.a.host) || absent(cable.b.host)) continue;
    auto& laid = cables_.emplace_back(
        kernel::CableEnd{spaces_.at(cable.a.host), cable.a.interface, mac_of(i, 1), cable.mtu, false},
        kernel::CableEnd{spaces_.at(cable.b.host), cable.b.interface, mac_of(i, 2), cable.mtu, false});
    laid.raise();
    links.emplace(std::pair(cable.a.host, cable.a.interface), laid.first());
    links.emplace(std::pair(cable.b.host, cable.b.interface), laid.second());
  }
  for (const auto& host : blueprint_.hosts) {
    if (absent(host.name)) continue;
    const auto& space = spaces_.at(host.name);
    for (const auto& interface : host.interfaces) {
      const auto found = links.find({host.name, interface.name});
      if (found == links.end()) continue;
      for (const auto& address : interface.addresses) found->second.add(address);
      if (interface.bridge.empty()) continue;
      found->second.settle();
      found->second.join(links.at({host.name, interface.bridge}));
      if (interface.isolated) found->second.set_isolated(true);
    }
    for (const auto& bridge : host.bridges) links.at({host.name, bridge.name}).settle();
    for (const auto& route : host.routes) {
      if (!route.device.empty() && !links.contains({host.name, route.device})) continue;
      kernel::Route added;
      added.to = route.to;
      added.via = route.via;
      added.device = route.device;
      added.table = route.table;
      added.metric = route.metric;
      kernel::add(space, added);
    }
    std::uint32_t priority = 1000;
    for (const auto& rule : host.policy_rules) {
      kernel::PolicyRule added;
      added.family = rule.from.address.family();
      added.priority = priority++;
      added.table = rule.table;
      added.from = rule.from;
      kernel::add(space, added);
    }
  }
  wait_for_routers();
  for (const auto& host : blueprint_.hosts) {
    if (!absent(host.name) && !host.rule_set.empty()) kernel::load_rules(spaces_.at(host.name), host.rule_set);
  }
}

// A bridge may take a second to speak IPv6: waits until every client has reached its router.
void DrawnNetwork::wait_for_routers() const {
  for (const auto& cable : blueprint_.cables) {
    const auto* client = blueprint::find_host(blueprint_, cable.a.host);
    const auto* edge = blueprint::find_host(blueprint_, cable.b.host);
    if (client->role != blueprint::Role::client) continue;
    for (const auto& router : edge->bridges.front().addresses) {
      const Endpoint there{router.address, 65000};
      const UdpSocket at(spaces_.at(edge->name), there);
      const auto own = std::ranges::find_if(client->interfaces,
                                            [&](const auto& interface) { return interface.name == cable.a.interface; });
      for (const auto& address : own->addresses) {
        if (address.address.family() != router.address.family()) continue;
        const UdpSocket from(spaces_.at(client->name), {address.address, 65000});
        bool reached = false;
        for (int i = 0; i < 500 && !reached; ++i) {
          from.send(there);
          reached = at.receive_within(10).has_value();
        }
        if (!reached) throw Failure(Exit::os, client->name + " does not reach its router");
        while (at.receive_within(0)) continue;
      }
    }
  }
}

std::uint64_t DrawnNetwork::count(const std::string& host, const std::string& counter) const {
  auto found = counters_.find(host);
  if (found == counters_.end()) {
    found = counters_.try_emplace(host, spaces_.at(host), kernel::RuleTable{"inet", "crypelab"}).first;
  }
  return found->second.read().at(counter).packets;
}

void DrawnNetwork::load_step(std::size_t number) const {
  for (const auto& change : blueprint_.steps.at(number).changes) {
    if (const auto* rules = std::get_if<blueprint::LoadRules>(&change)) {
      kernel::load_rules(spaces_.at(rules->host), rules->rule_set);
    }
  }
}

UdpSocket::UdpSocket(const kernel::NetworkNamespace& in, const Endpoint& local)
    : socket_(bound(in, SOCK_DGRAM, local)) {}

int UdpSocket::send(const Endpoint& to, const std::string& text) const {
  const SocketAddress name(to);
  return ::sendto(socket_.get(), text.data(), text.size(), 0, name.get(), name.size) < 0 ? errno : 0;
}

void UdpSocket::connect(const Endpoint& to) const {
  const SocketAddress name(to);
  if (::connect(socket_.get(), name.get(), name.size) != 0) throw_errno("connect to " + to_string(to));
  // ip(7): without it only errors that the protocol takes for fatal are passed on.
  const int on = 1;
  ::setsockopt(socket_.get(), SOL_IP, IP_RECVERR, &on, sizeof on);
  if (to.address.is_v6()) ::setsockopt(socket_.get(), SOL_IPV6, IPV6_RECVERR, &on, sizeof on);
}

int UdpSocket::error() const {
  if (!ready(socket_.get(), POLLERR, 1000)) return 0;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

std::optional<Received> UdpSocket::receive_within(int milliseconds) const {
  if (!ready(socket_.get(), POLLIN, milliseconds)) return std::nullopt;
  std::array<char, 65536> buffer;
  SocketAddress from;
  const auto size = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0, from.get(), &from.size);
  if (size < 0) return std::nullopt;
  return Received{from.endpoint(), std::string(buffer.data(), static_cast<std::size_t>(size))};
}

std::optional<Received> UdpSocket::receive() const { return receive_within(1000); }
std::optional<Received> UdpSocket::look() const { return receive_within(0); }

Descriptor listen_tcp(const kernel::NetworkNamespace& in, const Endpoint& local) {
  Descriptor socket = bound(in, SOCK_STREAM, local);
  if (::listen(socket.get(), 16) != 0) throw_errno("listen");
  return socket;
}

Connected connect_tcp(const kernel::NetworkNamespace& in, const std::optional<Endpoint>& local, const Endpoint& to,
                      int milliseconds) {
  Connected connected;
  connected.socket = local ? bound(in, SOCK_STREAM, *local)
                           : in.open_socket(to.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK);
  const SocketAddress name(to);
  if (::connect(connected.socket.get(), name.get(), name.size) == 0) return connected;
  connected.error = errno;
  if (errno != EINPROGRESS) return connected;
  connected.error = ETIMEDOUT;
  if (!ready(connected.socket.get(), POLLOUT, milliseconds)) return connected;
  socklen_t size = sizeof connected.error;
  ::getsockopt(connected.socket.get(), SOL_SOCKET, SO_ERROR, &connected.error, &size);
  return connected;
}

std::optional<Accepted> accept_tcp(const Descriptor& listener) {
  if (!ready(listener.get(), POLLIN, 1000)) return std::nullopt;
  SocketAddress from;
  Accepted accepted;
  accepted.socket = Descriptor(::accept4(listener.get(), from.get(), &from.size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!accepted.socket) return std::nullopt;
  accepted.from = from.endpoint();
  return accepted;
}

Endpoint endpoint(const std::string& text) { return *parse_endpoint(text); }

}  // namespace crypelab::testing
