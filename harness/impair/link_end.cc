#include "harness/impair/link_end.h"

#include "harness/base/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
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

bool LinkEnd::is_running() const {
  ifreq request{};
  std::memcpy(request.ifr_name, interface.data(), std::min<std::size_t>(interface.size(), IFNAMSIZ - 1));
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) < 0) return false;
  return (request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

Descriptor open_route_socket() {
  return checked(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "netlink socket");
}

std::uint64_t frames_dropped_on_send(const Descriptor& route, int index) {
  struct {
    nlmsghdr header;
    if_stats_msg stats;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETSTATS;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.stats.ifindex = static_cast<std::uint32_t>(index);
  request.stats.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
  if (::send(route.get(), &request, sizeof request, 0) < 0) throw_errno("interface statistics");

  alignas(nlmsghdr) std::array<std::uint8_t, 4096> answer;
  ssize_t size = 0;
  do {
    size = ::recv(route.get(), answer.data(), answer.size(), 0);
  } while (size < 0 && errno == EINTR);
  if (size < 0) throw_errno("interface statistics");
  nlmsghdr header;
  constexpr std::size_t begin = NLMSG_LENGTH(0) + NLMSG_ALIGN(sizeof(if_stats_msg));
  if (static_cast<std::size_t>(size) < begin) return 0;
  std::memcpy(&header, answer.data(), sizeof header);
  if (header.nlmsg_type != RTM_NEWSTATS) return 0;  // an error: the interface is gone
  for (std::size_t at = begin; at + sizeof(nlattr) <= static_cast<std::size_t>(size);) {
    nlattr attribute;
    std::memcpy(&attribute, answer.data() + at, sizeof attribute);
    if (attribute.nla_len < sizeof attribute) return 0;
    constexpr std::size_t wanted = offsetof(rtnl_link_stats64, tx_dropped) + sizeof(std::uint64_t);
    if (attribute.nla_type == IFLA_STATS_LINK_64 && attribute.nla_len >= NLA_HDRLEN + wanted &&
        at + NLA_HDRLEN + wanted <= static_cast<std::size_t>(size)) {
      std::uint64_t dropped = 0;
      std::memcpy(&dropped, answer.data() + at + NLA_HDRLEN + offsetof(rtnl_link_stats64, tx_dropped), sizeof dropped);
      return dropped;
    }
    at += NLA_ALIGN(attribute.nla_len);
  }
  return 0;
}

}  // namespace crypelab::impair
