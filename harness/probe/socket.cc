#include "harness/probe/socket.h"

#include "harness/base/error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>

namespace crypelab::probe {
namespace {

using measure::Outcome;

void set(const Descriptor& socket, int level, int option, int value) {
  ::setsockopt(socket.get(), level, option, &value, sizeof value);
}

Descriptor open_socket(Family family, int type) {
  const int domain = family == Family::v4 ? AF_INET : AF_INET6;
  auto socket = checked(::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  if (family == Family::v4) {
    set(socket, IPPROTO_IP, IP_RECVERR, 1);
  } else {
    set(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set(socket, IPPROTO_IPV6, IPV6_RECVERR, 1);
  }
  return socket;
}

// PROBE ignores what the kernel believes about the path, DONT lets routers fragment.
void forbid_fragments(const Descriptor& socket, bool six, bool forbid) {
  if (six) {
    set(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, forbid ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT);
    set(socket, IPPROTO_IPV6, IPV6_DONTFRAG, forbid ? 1 : 0);
  } else {
    set(socket, IPPROTO_IP, IP_MTU_DISCOVER, forbid ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
  }
}

Outcome outcome_of_icmp(const sock_extended_err& error) {
  if (error.ee_origin == SO_EE_ORIGIN_ICMP) {
    if (error.ee_type != 3) return outcome_of_error(static_cast<int>(error.ee_errno));
    switch (error.ee_code) {  // RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1
      case 0:
      case 6:
        return Outcome::network_unreachable;
      case 3:
        return Outcome::port_unreachable;
      case 9:
      case 10:
      case 13:
        return Outcome::admin_prohibited;
      default:
        return Outcome::host_unreachable;
    }
  }
  if (error.ee_type != 1) return outcome_of_error(static_cast<int>(error.ee_errno));
  switch (error.ee_code) {  // RFC 4443 section 3.1
    case 0:
      return Outcome::network_unreachable;
    case 4:
      return Outcome::port_unreachable;
    case 1:
    case 5:
    case 6:
      return Outcome::admin_prohibited;
    default:
      return Outcome::host_unreachable;
  }
}

std::optional<Address> offender_of(const sock_extended_err& error) {
  SocketAddress offender;
  // SO_EE_OFFENDER of <linux/errqueue.h>, which casts const away.
  const auto* const from = reinterpret_cast<const sockaddr*>(&error + 1);
  if (from->sa_family == AF_INET) offender.size = sizeof(sockaddr_in);
  if (from->sa_family == AF_INET6) offender.size = sizeof(sockaddr_in6);
  if (offender.size == 0) return std::nullopt;
  std::memcpy(&offender.storage, from, offender.size);
  return to_endpoint(offender).address;
}

Unreached explain(const sock_extended_err& error, const Endpoint& to) {
  Unreached unreached;
  unreached.to = to;
  const bool local = error.ee_origin == SO_EE_ORIGIN_LOCAL;
  unreached.outcome = local ? outcome_of_error(static_cast<int>(error.ee_errno)) : outcome_of_icmp(error);
  if (!local) unreached.from = offender_of(error);
  if (error.ee_errno == EMSGSIZE) unreached.too_big = error.ee_info;
  return unreached;
}

}  // namespace

SocketAddress to_socket_address(const Endpoint& endpoint) {
  SocketAddress result;
  if (endpoint.address.is_v4()) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(endpoint.port);
    four.sin_addr.s_addr = htonl(endpoint.address.v4_host_order());
    std::memcpy(&result.storage, &four, result.size = sizeof four);
  } else {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(endpoint.port);
    std::ranges::copy(endpoint.address.bytes(), std::begin(six.sin6_addr.s6_addr));
    std::memcpy(&result.storage, &six, result.size = sizeof six);
  }
  return result;
}

Endpoint to_endpoint(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET6) {
    sockaddr_in6 six{};
    std::memcpy(&six, &address.storage, sizeof six);
    std::array<std::uint8_t, 16> bytes{};
    std::ranges::copy(six.sin6_addr.s6_addr, bytes.begin());
    return {Address::v6(bytes), ntohs(six.sin6_port)};
  }
  sockaddr_in four{};
  std::memcpy(&four, &address.storage, sizeof four);
  return {Address::v4(ntohl(four.sin_addr.s_addr)), ntohs(four.sin_port)};
}

std::optional<Address> source_towards(const Endpoint& to) {
  const auto socket = open_socket(to.address.family(), SOCK_DGRAM);
  const auto address = to_socket_address(to);
  if (::connect(socket.get(), address.get(), address.size) != 0) return std::nullopt;
  return local_endpoint(socket).address;
}

Descriptor open_udp(const Endpoint& local) {
  auto socket = open_socket(local.address.family(), SOCK_DGRAM);
  set(socket, SOL_SOCKET, SO_RCVBUF, 4 << 20);
  set(socket, SOL_SOCKET, SO_SNDBUF, 1 << 20);
  forbid_fragments(socket, local.address.is_v6(), false);
  const auto address = to_socket_address(local);
  if (::bind(socket.get(), address.get(), address.size) != 0) throw_errno("bind to " + to_string(local));
  return socket;
}

Descriptor open_tcp(Family family) { return open_socket(family, SOCK_STREAM); }

void bind_to(const Descriptor& socket, const Endpoint& local) {
  set(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  const auto address = to_socket_address(local);
  if (::bind(socket.get(), address.get(), address.size) != 0) throw_errno("bind to " + to_string(local));
}

Descriptor listen_on(const Endpoint& local) {
  auto socket = open_tcp(local.address.family());
  bind_to(socket, local);
  if (::listen(socket.get(), 128) != 0) throw_errno("listen on " + to_string(local));
  return socket;
}

Endpoint local_endpoint(const Descriptor& socket) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (::getsockname(socket.get(), address.get(), &address.size) != 0) throw_errno("getsockname");
  return to_endpoint(address);
}

std::optional<Unreached> send_datagram(const Descriptor& socket, const Outgoing& outgoing) {
  const auto to = to_socket_address(outgoing.to);
  const bool six = outgoing.to.address.is_v6();
  if (outgoing.whole) forbid_fragments(socket, six, true);
  int error = 0;
  // An error of an earlier datagram may be told first (it is in the error queue as well); a full buffer gets a moment.
  for (int attempt = 0; attempt < 4; ++attempt) {
    const auto sent = ::sendto(socket.get(), outgoing.bytes.data(), outgoing.bytes.size(), 0, to.get(), to.size);
    error = sent < 0 ? errno : 0;
    if (error == 0 || error == EMSGSIZE || error == EPERM) break;
    if (error == EAGAIN || error == ENOBUFS) {
      pollfd full{socket.get(), POLLOUT, 0};
      ::poll(&full, 1, 5);
    }
  }
  if (outgoing.whole) forbid_fragments(socket, six, false);
  if (error == 0 || error == EAGAIN || error == ENOBUFS) return std::nullopt;
  Unreached unreached;
  unreached.to = outgoing.to;
  unreached.outcome = outcome_of_error(error);
  if (error == EMSGSIZE) unreached.too_big = 0;
  return unreached;
}

std::optional<Incoming> receive_datagram(const Descriptor& socket, ReceiveBuffer& buffer) {
  SocketAddress from;
  for (int attempt = 0; attempt < 8; ++attempt) {
    from.size = sizeof from.storage;
    const auto size = ::recvfrom(socket.get(), buffer.data(), buffer.size(), 0, from.get(), &from.size);
    if (size >= 0) return Incoming{to_endpoint(from), wire::Bytes(buffer).first(static_cast<std::size_t>(size))};
    if (errno == EAGAIN) return std::nullopt;  // anything else is an error of an earlier datagram
  }
  return std::nullopt;
}

std::vector<Unreached> read_errors(const Descriptor& socket) {
  std::vector<Unreached> errors;
  while (errors.size() < 64) {
    std::array<std::uint8_t, 2048> payload{};
    alignas(cmsghdr) std::array<char, 512> control{};
    SocketAddress to;
    iovec part{payload.data(), payload.size()};
    msghdr message{};
    message.msg_name = to.get();
    message.msg_namelen = sizeof to.storage;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    if (::recvmsg(socket.get(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) break;
    for (auto* part_of = CMSG_FIRSTHDR(&message); part_of != nullptr; part_of = CMSG_NXTHDR(&message, part_of)) {
      const bool four = part_of->cmsg_level == IPPROTO_IP && part_of->cmsg_type == IP_RECVERR;
      const bool six = part_of->cmsg_level == IPPROTO_IPV6 && part_of->cmsg_type == IPV6_RECVERR;
      if (!four && !six) continue;
      // The offender's address follows the error, so it is looked at where it lies.
      const auto* const error = static_cast<const sock_extended_err*>(static_cast<const void*>(CMSG_DATA(part_of)));
      errors.push_back(explain(*error, to_endpoint(to)));
    }
  }
  return errors;
}

Outcome outcome_of_error(int error) {
  switch (error) {
    case ECONNREFUSED:
      return Outcome::refused;
    case ECONNRESET:
    case EPIPE:
      return Outcome::reset;
    case EACCES:
    case EPERM:
      return Outcome::admin_prohibited;
    case EHOSTUNREACH:
      return Outcome::host_unreachable;
    case ENETUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case ENETDOWN:
      return Outcome::no_route;
    default:
      return Outcome::silent;
  }
}

Time now() {
  static const auto begin = std::chrono::steady_clock::now();
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begin);
}

}  // namespace crypelab::probe
