#include "harness/kernel/link.h"

#include "harness/base/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace crypelab::kernel {

namespace {

constexpr auto kPatience = std::chrono::seconds(5);
constexpr std::uint32_t kGsoMaxSegs = 65535;  // GSO_MAX_SEGS of <linux/netdevice.h>, the default of every interface

ifinfomsg header_of(unsigned index) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = static_cast<int>(index);
  return header;
}

LinkState parse_link(const nlmsghdr& message) {
  auto* whole = const_cast<nlmsghdr*>(&message);
  const auto* header = static_cast<const ifinfomsg*>(nlmsg_data(whole));
  std::array<nlattr*, IFLA_MAX + 1> attributes{};
  if (nlmsg_parse(whole, sizeof(ifinfomsg), attributes.data(), IFLA_MAX, nullptr) < 0) {
    throw Failure(Exit::os, "an interface that the kernel describes in no known form");
  }
  LinkState state;
  state.up = (header->ifi_flags & IFF_UP) != 0;
  if (auto* name = attributes[IFLA_IFNAME]) state.name = nla_get_string(name);
  if (auto* carrier = attributes[IFLA_CARRIER]) state.carrier = nla_get_u8(carrier) != 0;
  if (auto* mtu = attributes[IFLA_MTU]) state.mtu = nla_get_u32(mtu);
  if (auto* master = attributes[IFLA_MASTER]) state.master = nla_get_u32(master);
  if (auto* mac = attributes[IFLA_ADDRESS]; mac != nullptr && nla_len(mac) == 6) {
    std::memcpy(state.mac.data(), nla_data(mac), state.mac.size());
  }
  if (auto* all = attributes[IFLA_STATS64]) {
    rtnl_link_stats64 statistics{};
    std::memcpy(&statistics, nla_data(all), std::min(sizeof statistics, static_cast<std::size_t>(nla_len(all))));
    state.statistics = {statistics.rx_packets, statistics.rx_bytes, statistics.rx_dropped,
                        statistics.tx_packets, statistics.tx_bytes, statistics.tx_dropped};
  }
  return state;
}

// An address of an interface; `type` is RTM_NEWADDR or RTM_DELADDR.
NetlinkAnswer change_address(const Link& link, int type, int flags, const Prefix& address) {
  NetlinkMessage message(type, flags);
  ifaddrmsg header{};
  header.ifa_family = address.address.is_v4() ? AF_INET : AF_INET6;
  header.ifa_prefixlen = static_cast<std::uint8_t>(address.length);
  header.ifa_flags = IFA_F_NODAD;
  header.ifa_index = link.index();
  message.header(header);
  message.put_address(IFA_LOCAL, address.address);
  message.put_address(IFA_ADDRESS, address.address);
  // Broadcast, so that DHCP and discovery programs find what they find on a real LAN; /31 and /32 have none (RFC 3021).
  if (address.address.is_v4() && address.length < 31) {
    const std::uint32_t host_bits = address.length == 0 ? ~0U : (1U << (32 - address.length)) - 1;
    message.put_address(IFA_BROADCAST, Address::v4(address.address.v4_host_order() | host_bits));
  }
  return link.in().route().ask(message);
}

// Modified EUI-64 (RFC 4291, appendix A).
Prefix link_local(const Mac& mac) {
  constexpr std::uint8_t kUniversal = 0x02;
  return {Address::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(mac[0] ^ kUniversal), mac[1], mac[2],
                       0xff, 0xfe, mac[3], mac[4], mac[5]}),
          64};
}

// RFC 4291 section 2.7.1.
Address solicited_node(const Address& address) {
  const auto& bytes = address.bytes();
  return Address::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, bytes[13], bytes[14], bytes[15]});
}

// The IPv6 address in an attribute of a message whose own header has `header` bytes, if it is there.
std::optional<Address> address_in(nlmsghdr* message, std::size_t header, int attribute) {
  const auto* value = nlmsg_find_attr(message, static_cast<int>(header), attribute);
  std::array<std::uint8_t, 16> bytes{};
  if (value == nullptr || nla_len(value) != static_cast<int>(bytes.size())) return std::nullopt;
  std::memcpy(bytes.data(), nla_data(value), bytes.size());
  return Address::v6(bytes);
}

// The IPv6 addresses or groups of an interface.
std::set<Address> list_addresses(const Link& link, int type, int attribute) {
  NetlinkMessage message(type, NLM_F_DUMP);
  ifaddrmsg header{};
  header.ifa_family = AF_INET6;
  header.ifa_index = link.index();
  message.header(header);
  std::set<Address> found;
  const auto take = [&](const nlmsghdr& each) {
    auto* whole = const_cast<nlmsghdr*>(&each);
    if (static_cast<const ifaddrmsg*>(nlmsg_data(whole))->ifa_index != link.index()) return;
    if (const auto address = address_in(whole, sizeof(ifaddrmsg), attribute)) found.insert(*address);
  };
  link.in().route().list(message, fmt::format("list the addresses of {}", link.name()), take, [&] { found.clear(); });
  return found;
}

// The IPv6 addresses that this namespace takes packets for.
std::set<Address> list_local_addresses(const NetworkNamespace& in) {
  NetlinkMessage message(RTM_GETROUTE, NLM_F_DUMP);
  rtmsg header{};
  header.rtm_family = AF_INET6;
  header.rtm_table = RT_TABLE_LOCAL;
  message.header(header);
  std::set<Address> found;
  const auto take = [&](const nlmsghdr& each) {
    auto* whole = const_cast<nlmsghdr*>(&each);
    if (static_cast<const rtmsg*>(nlmsg_data(whole))->rtm_type != RTN_LOCAL) return;
    if (const auto address = address_in(whole, sizeof(rtmsg), RTA_DST)) found.insert(*address);
  };
  in.route().list(message, "list local routes", take, [&] { found.clear(); });
  return found;
}

void set_flags(const Link& link, unsigned flags, unsigned change, const char* what) {
  NetlinkMessage message(RTM_SETLINK, 0);
  auto header = header_of(link.index());
  header.ifi_flags = flags;
  header.ifi_change = change;
  message.header(header);
  link.in().route().request(message, fmt::format("{} {}", what, link.name()));
}

void set_u32(const Link& link, int attribute, std::uint32_t value, const std::string& what) {
  NetlinkMessage message(RTM_SETLINK, 0);
  message.header(header_of(link.index()));
  message.put_u32(attribute, value);
  link.in().route().request(message, what);
}

// `command` begins with its number, and is where the answer goes.
void ethtool(const Link& link, void* command, const char* what) {
  const Descriptor socket = link.in().open_socket(AF_INET, SOCK_DGRAM);
  ifreq request{};
  link.name().copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = command;
  if (::ioctl(socket.get(), SIOCETHTOOL, &request) < 0) throw_errno(fmt::format("{} {}", what, link.name()));
}

void ethtool(const Link& link, std::uint32_t command, std::uint32_t argument, const char* what) {
  ethtool_value value{command, argument};
  ethtool(link, &value, what);
}

// The names of what an interface can do in the stack's place, in the order of their bits: the same for every interface.
std::vector<std::string> offloads(const Link& link) {
  constexpr auto what = "read the features of";
  std::array<std::uint64_t, 3> sizes{};  // an ethtool_sset_info and one number
  ethtool_sset_info info{};
  info.cmd = ETHTOOL_GSSET_INFO;
  info.sset_mask = std::uint64_t{1} << ETH_SS_FEATURES;
  std::memcpy(sizes.data(), &info, sizeof info);
  ethtool(link, sizes.data(), what);
  std::uint32_t count = 0;
  std::memcpy(&count, &sizes[2], sizeof count);
  ethtool_gstrings ask{};
  ask.cmd = ETHTOOL_GSTRINGS;
  ask.string_set = ETH_SS_FEATURES;
  ask.len = count;
  std::vector<char> texts(sizeof ask + std::size_t{count} * ETH_GSTRING_LEN);
  std::memcpy(texts.data(), &ask, sizeof ask);
  ethtool(link, texts.data(), what);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    const char* const name = texts.data() + sizeof ask + i * ETH_GSTRING_LEN;
    names.emplace_back(name, ::strnlen(name, ETH_GSTRING_LEN));
  }
  return names;
}

}  // namespace

std::string to_string(const Mac& mac) { return fmt::format("{:02x}", fmt::join(mac, ":")); }

Link::Link(const NetworkNamespace& in, std::string name) : in_(&in), name_(std::move(name)), index_(0) {
  NetlinkMessage message(RTM_GETLINK, 0);
  message.header(header_of(0));
  message.put_string(IFLA_IFNAME, name_);
  in.route().get(message, fmt::format("find interface {}", name_), [this](const nlmsghdr& found) {
    const auto* header = static_cast<const ifinfomsg*>(nlmsg_data(const_cast<nlmsghdr*>(&found)));
    index_ = static_cast<unsigned>(header->ifi_index);
  });
}

Link::Link(const NetworkNamespace& in, std::string name, unsigned index)
    : in_(&in), name_(std::move(name)), index_(index) {}

void Link::up() { set_flags(*this, IFF_UP, IFF_UP, "raise"); }

// Asking for the link state synchronizes it (linkwatch_sync_dev() in ethtool_op_get_link()).
void Link::settle() { ethtool(*this, ETHTOOL_GLINK, 0, "read the link state of"); }

void Link::down() { set_flags(*this, 0, IFF_UP, "lower"); }

void Link::set_mtu(std::uint32_t mtu) {
  set_u32(*this, IFLA_MTU, mtu, fmt::format("set the MTU of {} to {}", name_, mtu));
}

void Link::rename(const std::string& name) {
  NetlinkMessage message(RTM_SETLINK, 0);
  message.header(header_of(index_));
  message.put_string(IFLA_IFNAME, name);
  in_->route().request(message, fmt::format("rename {} to {}", name_, name));
  name_ = name;
}

// One segment at most: the stack then cuts long packets before it hands them over, for TCP and UDP alike, which
// ethtool's separate switches for each protocol do not promise.
void Link::set_segmentation_offload(bool on) {
  set_u32(*this, IFLA_GSO_MAX_SEGS, on ? kGsoMaxSegs : 1, fmt::format("set segmentation offload of {}", name_));
}

void Link::set_checksum_offload(bool on) {
  ethtool(*this, ETHTOOL_STXCSUM, on ? 1 : 0, "set checksum offload of");
  ethtool(*this, ETHTOOL_SRXCSUM, on ? 1 : 0, "set checksum offload of");
}

void Link::set_datagram_offload(bool on) {
  static const auto known = offloads(*this);
  const auto found = std::ranges::find(known, "tx-udp-segmentation");
  if (found == known.end()) return;  // before Linux 4.18, which cuts nothing
  const auto bit = static_cast<std::size_t>(found - known.begin());
  const std::size_t blocks = (known.size() + 31) / 32;
  std::vector<std::uint32_t> request(2 + 2 * blocks);  // an ethtool_sfeatures
  request[0] = ETHTOOL_SFEATURES;
  request[1] = static_cast<std::uint32_t>(blocks);
  request[2 + 2 * (bit / 32)] = 1U << bit % 32;  // which one
  request[3 + 2 * (bit / 32)] = on ? 1U << bit % 32 : 0;
  ethtool(*this, request.data(), "set the offload of datagrams of");
}

void Link::add(const Prefix& address) {
  const auto what = fmt::format("add address {} to {}", crypelab::to_string(address), name_);
  constexpr unsigned kLinkLocalLength = 10;
  const Prefix all_link_local{link_local({}).address, kLinkLocalLength};
  if (address.address.is_v6() && !all_link_local.contains(address.address)) {
    const auto answer = change_address(*this, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, link_local(state().mac));
    if (answer.error != 0 && answer.error != EEXIST) throw_refusal(answer, what);
  }
  const auto answer = change_address(*this, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address);
  if (answer.error != 0) throw_refusal(answer, what);
}

void Link::remove(const Prefix& address) {
  const auto answer = change_address(*this, RTM_DELADDR, 0, address);
  if (answer.error != 0) {
    throw_refusal(answer, fmt::format("remove address {} from {}", crypelab::to_string(address), name_));
  }
}

void Link::await_addresses() const {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    const auto addresses = list_addresses(*this, RTM_GETADDR, IFA_ADDRESS);
    const auto groups = list_addresses(*this, RTM_GETMULTICAST, IFA_MULTICAST);
    const auto local = list_local_addresses(*in_);
    if (std::all_of(addresses.begin(), addresses.end(), [&](const Address& address) {
          return groups.contains(solicited_node(address)) && local.contains(address);
        })) {
      return;
    }
    if (std::chrono::steady_clock::now() > end) {
      throw Failure(Exit::os, fmt::format("{} does not answer for its IPv6 addresses within 5 seconds", name_));
    }
    ::poll(nullptr, 0, 1);
  }
}

void Link::join(const Link& bridge) {
  set_u32(*this, IFLA_MASTER, bridge.index(), fmt::format("plug {} into bridge {}", name_, bridge.name()));
}

void Link::leave() { set_u32(*this, IFLA_MASTER, 0, fmt::format("unplug {} from its bridge", name_)); }

void Link::set_isolated(bool isolated) {
  NetlinkMessage message(RTM_SETLINK, 0);
  auto header = header_of(index_);
  header.ifi_family = AF_BRIDGE;
  message.header(header);
  message.nest(IFLA_PROTINFO | NLA_F_NESTED, [&] { message.put_u8(IFLA_BRPORT_ISOLATED, isolated ? 1 : 0); });
  in_->route().request(message, fmt::format("set isolation of bridge port {}", name_),
                       "isolation of bridge ports (Linux 4.18, CONFIG_BRIDGE)");
}

LinkState Link::state() const {
  NetlinkMessage message(RTM_GETLINK, 0);
  message.header(header_of(index_));
  LinkState state;
  in_->route().get(message, fmt::format("read the state of {}", name_),
                   [&state](const nlmsghdr& found) { state = parse_link(found); });
  return state;
}

void Link::destroy() {
  NetlinkMessage message(RTM_DELLINK, 0);
  message.header(header_of(index_));
  in_->route().request(message, fmt::format("delete {}", name_));
}

namespace {

// Where the kernel has br_netfilter, a new namespace's bridges hand every frame to the IP rule sets as well: packets
// would be filtered and translated twice, and a hairpin would be short-circuited inside the bridge.
void keep_rules_out_of_bridges(const NetworkNamespace& in) {
  const InNamespace inside(in);
  for (const char* family : {"iptables", "ip6tables", "arptables"}) {
    const auto path = fmt::format("net/bridge/bridge-nf-call-{}", family);
    if (::access(("/proc/sys/" + path).c_str(), F_OK) == 0) in.sysctl(path, "0");
  }
}

}  // namespace

Link make_bridge(const NetworkNamespace& in, const std::string& name, const Mac& mac) {
  keep_rules_out_of_bridges(in);
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  ifinfomsg header = header_of(0);
  header.ifi_flags = IFF_UP;
  header.ifi_change = IFF_UP;
  message.header(header);
  message.put_string(IFLA_IFNAME, name);
  message.put(IFLA_ADDRESS, mac.data(), mac.size());
  message.nest(IFLA_LINKINFO, [&] {
    message.put_string(IFLA_INFO_KIND, "bridge");
    message.nest(IFLA_INFO_DATA, [&] {
      message.put_u32(IFLA_BR_FORWARD_DELAY, 0);
      message.put_u32(IFLA_BR_STP_STATE, 0);
      message.put_u8(IFLA_BR_MCAST_SNOOPING, 0);
    });
  });
  in.route().request(message, fmt::format("create bridge {}", name), "bridge (CONFIG_BRIDGE)");
  return {in, name};
}

}  // namespace crypelab::kernel
