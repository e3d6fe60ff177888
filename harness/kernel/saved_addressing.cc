#include "harness/kernel/saved_addressing.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <initializer_list>

#include <fmt/format.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

namespace crypelab::kernel {

namespace {

template <class Header>
const Header& header_of(const nlmsghdr& message) {
  return *static_cast<const Header*>(nlmsg_data(const_cast<nlmsghdr*>(&message)));
}

void keep(std::vector<std::vector<std::uint8_t>>& where, const nlmsghdr& message) {
  const auto* start = &reinterpret_cast<const std::uint8_t&>(header_of<char>(message));
  where.emplace_back(start, start + nlmsg_datalen(&message));
}

// Sends a kept message back under `header`, without the attributes that only the kernel writes.
template <class Header>
void put_back(const Link& link, int type, const Header& header, const std::vector<std::uint8_t>& kept,
              std::initializer_list<int> read_only) {
  NetlinkMessage message(type, NLM_F_CREATE | NLM_F_EXCL);
  message.header(header);
  const auto* first = reinterpret_cast<const nlattr*>(kept.data() + NLMSG_ALIGN(sizeof(Header)));
  int left = static_cast<int>(kept.size() - NLMSG_ALIGN(sizeof(Header)));
  for (auto* each = const_cast<nlattr*>(first); nla_ok(each, left) != 0; each = nla_next(each, &left)) {
    if (std::find(read_only.begin(), read_only.end(), nla_type(each)) != read_only.end()) continue;
    message.put(nla_type(each), nla_data(each), static_cast<std::size_t>(nla_len(each)));
  }
  const auto answer = link.in().route().ask(message);
  if (answer.error != 0 && answer.error != EEXIST) {
    throw_refusal(answer, fmt::format("put addresses and routes of {} back", link.name()));
  }
}

}  // namespace

SavedAddressing::SavedAddressing(const Link& link) : link_(link) {
  NetlinkMessage all_addresses(RTM_GETADDR, NLM_F_DUMP);
  ifaddrmsg address{};
  address.ifa_family = AF_INET6;
  address.ifa_index = link.index();
  all_addresses.header(address);
  link.in().route().list(
      all_addresses, fmt::format("list the addresses of {}", link.name()),
      [this](const nlmsghdr& found) {
        if (header_of<ifaddrmsg>(found).ifa_index == link_.index()) keep(addresses_, found);
      },
      [this] { addresses_.clear(); });

  for (const std::uint8_t family : {AF_INET, AF_INET6}) {
    NetlinkMessage all_routes(RTM_GETROUTE, NLM_F_DUMP);
    rtmsg route{};
    route.rtm_family = family;
    all_routes.header(route);
    all_routes.put_u32(RTA_OIF, link.index());
    const std::size_t before = routes_.size();
    link.in().route().list(
        all_routes, fmt::format("list the routes of {}", link.name()),
        [this](const nlmsghdr& found) {
          const auto& header = header_of<rtmsg>(found);
          if (header.rtm_protocol != RTPROT_KERNEL && (header.rtm_flags & RTM_F_CLONED) == 0) keep(routes_, found);
        },
        [this, before] { routes_.resize(before); });
  }
}

void SavedAddressing::restore() const {
  for (const auto& kept : addresses_) {
    ifaddrmsg header{};
    std::memcpy(&header, kept.data(), sizeof header);
    header.ifa_flags = IFA_F_NODAD;
    put_back(link_, RTM_NEWADDR, header, kept, {IFA_CACHEINFO, IFA_FLAGS});
  }
  for (const auto& kept : routes_) {
    rtmsg header{};
    std::memcpy(&header, kept.data(), sizeof header);
    header.rtm_flags &= RTNH_F_ONLINK;  // the other flags say how the route was doing
    put_back(link_, RTM_NEWROUTE, header, kept, {RTA_CACHEINFO, RTA_PREF});
  }
}

}  // namespace crypelab::kernel
