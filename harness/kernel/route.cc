#include "harness/kernel/route.h"

#include "harness/base/error.h"
#include "harness/kernel/link.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/socket.h>

namespace crypelab::kernel {

namespace {

std::uint8_t family_number(Family family) { return family == Family::v4 ? AF_INET : AF_INET6; }

void change(const NetworkNamespace& in, int type, int flags, const Route& route, const char* verb) {
  NetlinkMessage message(type, flags);
  rtmsg header{};
  header.rtm_family = family_number(route.to.address.family());
  header.rtm_dst_len = static_cast<std::uint8_t>(route.to.length);
  if (type == RTM_NEWROUTE) {
    const bool direct = !route.via && !route.blackhole && route.to.address.is_v4();
    header.rtm_protocol = RTPROT_STATIC;
    header.rtm_type = route.blackhole ? RTN_BLACKHOLE : RTN_UNICAST;
    header.rtm_scope = direct ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  } else {
    header.rtm_scope = RT_SCOPE_NOWHERE;  // whatever its scope, type and origin are
  }
  if (route.onlink) header.rtm_flags = RTNH_F_ONLINK;
  message.header(header);
  if (route.to.length > 0) message.put_address(RTA_DST, route.to.network());
  if (route.via && route.via->family() == route.to.address.family()) {
    message.put_address(RTA_GATEWAY, *route.via);
  } else if (route.via) {
    // An IPv4 route by an IPv6 neighbour (RFC 5549): the family in front of the address.
    std::array<std::uint8_t, 2 + 16> via{};
    const sa_family_t family = family_number(route.via->family());
    std::memcpy(via.data(), &family, sizeof family);
    std::memcpy(via.data() + 2, route.via->bytes().data(), route.via->bits() / 8);
    message.put(RTA_VIA, via.data(), 2 + route.via->bits() / 8);
  }
  if (!route.device.empty()) message.put_u32(RTA_OIF, Link(in, route.device).index());
  if (route.metric != 0) message.put_u32(RTA_PRIORITY, route.metric);
  if (route.source) message.put_address(RTA_PREFSRC, *route.source);
  message.put_u32(RTA_TABLE, route.table);
  in.route().request(message, fmt::format("{} route {}", verb, to_string(route)));
}

void change(const NetworkNamespace& in, int type, int flags, const PolicyRule& rule, const char* verb) {
  NetlinkMessage message(type, flags);
  fib_rule_hdr header{};
  header.family = family_number(rule.family);
  header.action = FR_ACT_TO_TBL;
  header.src_len = static_cast<std::uint8_t>(rule.from ? rule.from->length : 0);
  header.dst_len = static_cast<std::uint8_t>(rule.to ? rule.to->length : 0);
  message.header(header);
  message.put_u32(FRA_PRIORITY, rule.priority);
  message.put_u32(FRA_TABLE, rule.table);
  if (rule.from && rule.from->length > 0) message.put_address(FRA_SRC, rule.from->network());
  if (rule.to && rule.to->length > 0) message.put_address(FRA_DST, rule.to->network());
  if (rule.mark) {
    message.put_u32(FRA_FWMARK, *rule.mark);
    message.put_u32(FRA_FWMASK, ~0U);
  }
  if (!rule.incoming.empty()) message.put_string(FRA_IIFNAME, rule.incoming);
  if (rule.user) {
    const fib_rule_uid_range range{*rule.user, *rule.user};
    message.put(FRA_UID_RANGE, &range, sizeof range);
  }
  in.route().request(message, fmt::format("{} policy rule {}", verb, to_string(rule)),
                     "policy routing (CONFIG_IP_MULTIPLE_TABLES, CONFIG_IPV6_MULTIPLE_TABLES)");
}

}  // namespace

void add(const NetworkNamespace& in, const Route& route) {
  change(in, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route, "add");
}

void replace(const NetworkNamespace& in, const Route& route) {
  change(in, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route, "set");
}

void remove(const NetworkNamespace& in, const Route& route) { change(in, RTM_DELROUTE, 0, route, "remove"); }

void add(const NetworkNamespace& in, const PolicyRule& rule) {
  change(in, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule, "add");
}

void remove(const NetworkNamespace& in, const PolicyRule& rule) { change(in, RTM_DELRULE, 0, rule, "remove"); }

std::string to_string(const Route& route) {
  auto text = fmt::format("{}{}", route.blackhole ? "blackhole " : "", crypelab::to_string(route.to));
  if (route.via) text += fmt::format(" via {}", crypelab::to_string(*route.via));
  if (!route.device.empty()) text += fmt::format(" dev {}", route.device);
  if (route.onlink) text += " onlink";
  if (route.metric != 0) text += fmt::format(" metric {}", route.metric);
  if (route.table != kMainTable) text += fmt::format(" table {}", route.table);
  if (route.source) text += fmt::format(" src {}", crypelab::to_string(*route.source));
  return text;
}

std::string to_string(const PolicyRule& rule) {
  auto text = fmt::format("{}:", rule.priority);
  text += rule.from ? fmt::format(" from {}", crypelab::to_string(*rule.from)) : " from all";
  if (rule.to) text += fmt::format(" to {}", crypelab::to_string(*rule.to));
  if (rule.mark) text += fmt::format(" fwmark {:#x}", *rule.mark);
  if (!rule.incoming.empty()) text += fmt::format(" iif {}", rule.incoming);
  if (rule.user) text += fmt::format(" uid {}", *rule.user);
  return text + fmt::format(" lookup {}", rule.table);
}

}  // namespace crypelab::kernel
