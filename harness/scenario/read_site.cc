#include "harness/scenario/read_site.h"

#include "harness/model/world.h"
#include "harness/scenario/read_egress.h"
#include "harness/scenario/read_pac.h"
#include "harness/scenario/read_portal.h"
#include "harness/scenario/read_proxy.h"
#include "harness/scenario/read_socks.h"
#include "harness/scenario/read_tls_boxes.h"
#include "harness/scenario/read_uplink.h"
#include "harness/scenario/read_value.h"

namespace crypelab::scenario {
namespace {

constexpr unsigned kWidestV4 = 8;
constexpr unsigned kNarrowestV4 = 29;
constexpr unsigned kV6Length = 64;     // RFC 4291 section 2.5.1: interface identifiers have 64 bits
constexpr unsigned kNat64Length = 96;  // RFC 6052 section 2.2: the address stands in the last 32 bits
constexpr Duration kLongestTimer = std::chrono::hours(24 * 7);
constexpr Duration kLongestAnswer = std::chrono::seconds(10);

void read_subnets(const Node& node, model::Site& site, Problems& problems) {
  for (const Node* item : read_some(node, "subnets", 2, problems)) {
    const auto prefix = read_prefix(*item, problems);
    if (!prefix) continue;
    const bool v4 = prefix->address.is_v4();
    auto& target = v4 ? site.subnet4 : site.subnet6;
    if (target) {
      problems.add(item->at, v4 ? "a second IPv4 subnet" : "a second IPv6 subnet",
                   "a site has at most one of each family");
    } else if (v4 && (prefix->length < kWidestV4 || prefix->length > kNarrowestV4)) {
      problems.add(item->at, "an IPv4 subnet of length /" + std::to_string(prefix->length), "/8 to /29");
    } else if (!v4 && prefix->length != kV6Length) {
      problems.add(item->at, "an IPv6 subnet of length /" + std::to_string(prefix->length), "always /64");
    } else {
      target = *prefix;
    }
  }
}

// The kernel keeps connection tracking timers in whole seconds.
void read_timer(const Mapping& map, std::string_view key, Duration& timer, Problems& problems) {
  const Node* node = map.find(key);
  if (node == nullptr) return;
  const auto value = read_duration(*node, "a timer", {std::chrono::seconds(1), kLongestTimer}, problems);
  if (!value) return;
  if (*value % std::chrono::seconds(1) != Duration(0)) {
    problems.add(node->at, in_quotes(node->text) + " is not a timer", "timers are whole seconds");
    return;
  }
  timer = *value;
}

model::Nat read_nat(const Node& node, Problems& problems) {
  model::Nat nat;
  const Mapping map(node, kNatWords, "a NAT", problems);
  const std::string_view dependence = "what a NAT's choice depends on";
  if (const Node* mapping = map.find("mapping")) {
    assign(nat.mapping, read_word(*mapping, dependence, kDependences, problems));
  }
  if (const Node* filtering = map.find("filtering")) {
    assign(nat.filtering, read_word(*filtering, dependence, kDependences, problems));
  }
  if (const Node* hairpin = map.find("hairpin")) assign(nat.hairpin, read_boolean(*hairpin, problems));
  if (const Node* ports = map.find("ports")) {
    assign(nat.ports, read_word(*ports, "a way to choose ports", kPortAssignments, problems));
  }
  read_timer(map, "udp-timer", nat.udp_timer, problems);
  read_timer(map, "tcp-timer", nat.tcp_timer, problems);
  if (map.find("rebind") != nullptr) {
    Duration every{0};
    read_timer(map, "rebind", every, problems);
    if (every > Duration(0)) nat.rebind = every;
  }
  return nat;
}

void read_carrier(const Node& node, model::Site& site, Problems& problems) {
  const Mapping map(node, kCarrierWords, "a carrier", problems);
  if (const Node* nat = map.require("nat", "carrier: {nat: {mapping: address-and-port}}")) {
    site.carrier = read_nat(*nat, problems);
  }
}

model::Dns read_dns(const Node& node, Problems& problems) {
  model::Dns dns;
  if (node.kind == Node::Kind::scalar) {
    assign(dns.answers, read_word(node, "what a resolver answers", kAnswers, problems));
    return dns;
  }
  const Mapping map(node, kDnsWords, "a resolver", problems);
  if (const Node* answers = map.find("answers")) {
    assign(dns.answers, read_word(*answers, "what a resolver answers", kAnswers, problems));
  }
  if (const Node* delay = map.find("delay")) {
    assign(dns.delay, read_duration(*delay, "a delay", {Duration(0), kLongestAnswer}, problems));
  }
  if (const Node* aaaa = map.find("aaaa")) {
    assign(dns.aaaa, read_word(*aaaa, "what happens to AAAA questions", kAaaa, problems));
  }
  return dns;
}

void read_nat64(const Node& node, model::Site& site, Problems& problems) {
  const Mapping map(node, kNat64Words, "a NAT64", problems);
  const Node* prefix_node = map.require("prefix", "prefix: 2001:db8:64::/96");
  bool dns64 = true;
  if (const Node* node64 = map.find("dns64")) assign(dns64, read_boolean(*node64, problems));
  if (prefix_node == nullptr) return;
  const auto prefix = read_prefix(*prefix_node, problems);
  if (!prefix) return;
  if (!prefix->address.is_v6() || prefix->length != kNat64Length) {
    problems.add(prefix_node->at, "a NAT64 prefix is an IPv6 prefix of length /96", "like 2001:db8:64::/96");
    return;
  }
  site.nat64 = model::Nat64{*prefix, dns64};
}

}  // namespace

model::Site read_site(const std::string& name, const Node& node, unsigned index, Problems& problems) {
  model::Site site;
  site.name = name;
  const Mapping map(node, kSiteWords, "a site", problems);
  if (const Node* uplink = map.find("uplink")) site.uplink = read_uplink(*uplink, site.uplink, problems);
  if (const Node* nat = map.find("nat")) site.nat = read_nat(*nat, problems);
  if (const Node* carrier = map.find("carrier")) read_carrier(*carrier, site, problems);
  if (const Node* egress = map.find("egress")) site.egress = read_egress(*egress, problems);
  if (const Node* isolation = map.find("isolation")) assign(site.isolation, read_boolean(*isolation, problems));
  if (const Node* dns = map.find("dns")) site.dns = read_dns(*dns, problems);
  if (const Node* nat64 = map.find("nat64")) read_nat64(*nat64, site, problems);
  read_proxies(map.find("proxy"), map.find("proxies"), site, problems);
  if (const Node* pac = map.find("pac")) site.pac = read_pac(*pac, problems);
  if (const Node* socks = map.find("socks")) site.socks = read_socks(*socks, problems);
  if (const Node* portal = map.find("portal")) site.portal = read_portal(*portal, problems);
  if (const Node* inspection = map.find("tls-inspection"))
    site.tls_inspection = read_tls_inspection(*inspection, problems);
  if (const Node* relay = map.find("tls-relay")) site.tls_relay = read_tls_relay(*relay, problems);
  check_takers(node, site, problems);
  if (const Node* subnet = map.find("subnet")) {
    read_subnets(*subnet, site, problems);
  } else if (node.find("nat64") != nullptr) {
    problems.add(node.find("nat64")->at, "a site with NAT64 and no subnet",
                 "give it an IPv6 subnet, like 'subnet: 2001:db8:1::/64'");
  } else if (node.find("subnet") == nullptr) {
    site.subnet4 = model::site_default_subnet_v4(index, site.nat.has_value());
  }
  return site;
}

}  // namespace crypelab::scenario
