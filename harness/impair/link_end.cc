#include "harness/impair/link_end.h"

#include "harness/base/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace crypelab::impair {
namespace {

// A burst of 1 Gbit/s in the 10 ms for which a busy machine may keep the engine waiting, with the kernel's overhead.
constexpr int kBuffer = 8 << 20;

#ifndef PACKET_IGNORE_OUTGOING
constexpr int PACKET_IGNORE_OUTGOING = 23;
#endif

void set_option(const Descriptor& socket, int level, int option, int value, const char* what) {
  if (::setsockopt(socket.get(), level, option, &value, sizeof value) < 0) throw_errno(what);
}

// Beyond rmem_max only for root; others get rmem_max, and the engine counts what it missed.
void enlarge(const Descriptor& socket, int forced, int modest) {
  if (::setsockopt(socket.get(), SOL_SOCKET, forced, &kBuffer, sizeof kBuffer) == 0) return;
  set_option(socket, SOL_SOCKET, modest, kBuffer, "packet socket buffer");
}

}  // namespace

LinkEnd LinkEnd::open(const std::string& interface) {
  LinkEnd end;
  end.interface = interface;
  if (interface.size() >= IFNAMSIZ) throw Failure(Exit::usage, "interface name too long: " + interface);
  end.index = static_cast<int>(::if_nametoindex(interface.c_str()));
  if (end.index == 0) throw_errno("interface " + interface);
  // Protocol 0: nothing is received before the socket is bound to its interface.
  end.socket = checked(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "packet socket");
  set_option(end.socket, SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR");
  set_option(end.socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING");
  set_option(end.socket, SOL_PACKET, PACKET_QDISC_BYPASS, 1, "PACKET_QDISC_BYPASS");  // and drops become errors
  set_option(end.socket, SOL_SOCKET, SO_TIMESTAMPNS, 1, "SO_TIMESTAMPNS");
  enlarge(end.socket, SO_RCVBUFFORCE, SO_RCVBUF);
  enlarge(end.socket, SO_SNDBUFFORCE, SO_SNDBUF);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = end.index;
  if (::bind(end.socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    throw_errno("packet socket on " + interface);
  }
  return end;
}

bool LinkEnd::has_carrier() const {
  // Not IFF_RUNNING: that follows the carrier up to a second later.
  ethtool_value carrier{ETHTOOL_GLINK, 0};
  ifreq request{};
  std::memcpy(request.ifr_name, interface.data(), std::min<std::size_t>(interface.size(), IFNAMSIZ - 1));
  request.ifr_data = reinterpret_cast<char*>(&carrier);
  return ::ioctl(socket.get(), SIOCETHTOOL, &request) == 0 && carrier.data != 0;
}

Descriptor open_route_socket() {
  return checked(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "netlink socket");
}

InterfaceState interface_state(const Descriptor& route, int index) {
  struct {
    nlmsghdr header;
    ifinfomsg link;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.link.ifi_index = index;
  if (::send(route.get(), &request, sizeof request, 0) < 0) throw_errno("interface statistics");

  alignas(nlmsghdr) std::array<std::uint8_t, 32768> answer;
  ssize_t received = 0;
  do {
    received = ::recv(route.get(), answer.data(), answer.size(), 0);
  } while (received < 0 && errno == EINTR);
  if (received < 0) throw_errno("interface statistics");
  const auto size = static_cast<std::size_t>(received);
  constexpr std::size_t begin = NLMSG_LENGTH(0) + NLMSG_ALIGN(sizeof(ifinfomsg));
  InterfaceState state;
  nlmsghdr header{};
  if (size >= begin) std::memcpy(&header, answer.data(), sizeof header);
  if (header.nlmsg_type != RTM_NEWLINK) return state;  // an error: the interface is gone
  const auto take = [&](std::size_t at, std::size_t length, auto& value) {
    if (length >= sizeof value) std::memcpy(&value, answer.data() + at, sizeof value);
  };
  nlattr attribute{};
  for (std::size_t at = begin; at + sizeof attribute <= size; at += NLA_ALIGN(attribute.nla_len)) {
    std::memcpy(&attribute, answer.data() + at, sizeof attribute);
    if (attribute.nla_len < sizeof attribute || attribute.nla_len > size - at) break;
    const std::size_t length = attribute.nla_len - NLA_HDRLEN;
    if (attribute.nla_type == IFLA_STATS64) {
      constexpr std::size_t dropped = offsetof(rtnl_link_stats64, tx_dropped);
      if (length > dropped) take(at + NLA_HDRLEN + dropped, length - dropped, state.dropped);
    } else if (attribute.nla_type == IFLA_CARRIER_DOWN_COUNT) {
      std::uint32_t downs = 0;
      take(at + NLA_HDRLEN, length, downs);
      state.downs = downs;
    }
  }
  return state;
}

}  // namespace crypelab::impair
