#include "harness/blueprint/router_rules.h"

#include "harness/blueprint/edge_boxes.h"
#include "harness/blueprint/gate_rules.h"
#include "harness/blueprint/loss_pattern.h"
#include "harness/blueprint/nat_rules.h"

#include <fmt/format.h>

namespace crypelab::blueprint {
namespace {

// NAT64 without a NAT of the site's own still translates many to one public address.
std::optional<model::Nat> nat_of_edge(const model::Site& site) {
  if (site.nat) return site.nat;
  if (site.nat64) return model::Nat{};
  return std::nullopt;
}

// One router between an inside and an outside: an edge or a carrier.
struct Border {
  std::optional<model::Nat> nat;
  std::optional<EgressList> egress;
  bool isolation = false;
  bool nat64 = false;
  std::string public_address;
  unsigned generation = 0;
  unsigned epoch = 0;
  bool too_big = true;
  std::vector<std::string> exempt;  // addresses of servers whose traffic the egress rules leave alone

  bool stateful() const { return nat.has_value() || egress.has_value(); }
};

void add_names(RuleTable& table, const std::vector<Counter>& counters) {
  for (const auto& counter : counters) table.counters.push_back(counter.name);
}

// Lost before connection tracking sees them, whether for the router itself or to be forwarded.
void add_loss(RuleTable& table, const std::string& interface, const std::string& lost, const std::string& counter) {
  RuleChain chain{"lose_" + interface, fmt::format("type filter hook prerouting priority raw; policy accept;"), {}};
  if (!lost.empty()) {
    // What the two ends say to each other by themselves is neither lost nor counted: the same packets are lost again.
    chain.rules.emplace_back("meta l4proto igmp accept");
    chain.rules.emplace_back(
        "icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report, "
        "nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept");
    chain.rules.push_back(fmt::format("iifname \"{}\" {} counter name {} drop", interface, lost, counter));
  }
  table.chains.push_back(std::move(chain));
}

// RFC 2923 section 2.1: the path MTU black hole.
void add_silence(RuleTable& table, bool too_big) {
  RuleChain chain{"own_output", "type filter hook output priority filter; policy accept;", {}};
  if (!too_big) {
    chain.rules.emplace_back(
        "icmp type destination-unreachable icmp code frag-needed counter name too_big_withheld drop");
    chain.rules.emplace_back("icmpv6 type packet-too-big counter name too_big_withheld drop");
  }
  chain.rules.push_back(fmt::format("oifname \"{}\" counter name own_out", kWan));
  table.chains.push_back(std::move(chain));
}

void add_input(RuleTable& table, const Border& border) {
  RuleChain chain{"own_input", "type filter hook input priority filter; policy accept;", {}};
  chain.rules.push_back(fmt::format("iifname \"{}\" ct state established,related counter name own_in accept", kWan));
  // RFC 4861: without neighbour discovery there is no IPv6 at all.
  chain.rules.emplace_back("icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept");
  if (border.stateful()) chain.rules.push_back(fmt::format("iifname \"{}\" counter name unsolicited drop", kWan));
  if (border.nat) {
    chain.rules.push_back(fmt::format(
        "iifname \"{}\" ip daddr @nat_public meta l4proto {{ tcp, udp }} counter name hairpin_refused drop", kLan));
  }
  table.chains.push_back(std::move(chain));
}

void add_forward(RuleTable& table, const Border& border) {
  const auto inside = border.nat64 ? fmt::format("{{ \"{}\", \"{}\" }}", kLan, kNat64) : fmt::format("\"{}\"", kLan);
  RuleChain forward{"forward", "type filter hook forward priority filter; policy accept;", {}};
  forward.rules.push_back(fmt::format("iifname {} oifname \"{}\" goto outbound", inside, kWan));
  forward.rules.push_back(fmt::format("iifname \"{}\" oifname {} goto inbound", kWan, inside));
  if (border.nat && border.nat->hairpin) {
    forward.rules.push_back(fmt::format("iifname \"{0}\" oifname \"{0}\" ct status dnat goto nat_hairpin", kLan));
  }
  if (border.isolation) {
    forward.rules.push_back(fmt::format("iifname \"{0}\" oifname \"{0}\" counter name isolated drop", kLan));
  }
  table.chains.push_back(std::move(forward));

  RuleChain out{"outbound", "", {}};
  RuleChain in{"inbound", "", {}};
  if (border.stateful()) {
    // Out of its window, or an answer to nothing: it would leave untranslated.
    out.rules.emplace_back("ct state invalid counter name invalid drop");
    in.rules.emplace_back("ct state invalid counter name invalid drop");
    // Errors about flows that were let through, and only these; they stop when the flow is stopped.
    out.rules.emplace_back("meta l4proto { icmp, ipv6-icmp } ct state related counter name errors_out accept");
    in.rules.emplace_back("meta l4proto { icmp, ipv6-icmp } ct state related counter name errors_in accept");
    if (border.nat) in.rules.emplace_back("meta nfproto ipv4 ct state new jump nat_unsolicited");
    in.rules.push_back(
        fmt::format("{}ct state new counter name unsolicited drop", border.nat ? "meta nfproto ipv6 " : ""));
  }
  for (const auto& address : border.exempt) {
    const char* family = address.find(':') == std::string::npos ? "ip" : "ip6";
    out.rules.push_back(fmt::format("{} saddr {} counter name servers_out accept", family, address));
    in.rules.push_back(fmt::format("{} daddr {} counter name servers_in accept", family, address));
  }
  out.rules.emplace_back(border.egress ? "goto egress_out" : "accept");
  in.rules.emplace_back(border.egress ? "goto egress_in" : "accept");
  table.chains.push_back(std::move(out));
  table.chains.push_back(std::move(in));
}

void add_border(RuleTable& table, const Border& border) {
  if (border.nat) {
    NatPlace place;
    place.inside = border.nat64 ? fmt::format("\"{}\", \"{}\"", kLan, kNat64) : fmt::format("\"{}\"", kLan);
    place.lan = kLan;
    place.outside = kWan;
    place.public_address = border.public_address;
    place.generation = border.generation;
    place.epoch = border.epoch;
    add_nat(table, *border.nat, place);
  }
  add_input(table, border);
  add_silence(table, border.too_big);
  add_forward(table, border);
}

std::vector<Counter> border_counters(const std::string& host, const std::string& name) {
  return {
      {host, "unsolicited", name + ": came in unasked, dropped", 0},
      {host, "invalid", name + ": belongs to no connection, dropped", 0},
      {host, "errors_out", name + ": ICMP error about an existing flow, outbound", 0},
      {host, "errors_in", name + ": ICMP error about an existing flow, inbound", 0},
      {host, "hairpin_refused", name + ": from inside to its own public address, dropped", 0},
      {host, "isolated", name + ": between isolated hosts of the LAN, dropped", 0},
      {host, "too_big_withheld", name + ": \"packet too big\" not sent", 0},
      {host, "own_out", name + ": the router's own traffic, outbound", 0},
      {host, "own_in", name + ": the router's own traffic, inbound", 0},
      {host, "servers_out", name + ": of the site's own servers, outbound", 0},
      {host, "servers_in", name + ": to the site's own servers, inbound", 0},
      {host, kIntercepted, name + ": connections taken by the transparent proxy", 0},
      {host, "nat_collision", name + ": two flows wanted one external port, dropped", 0},
      {host, "lost_wan0", name + ": lost on the cable, towards the site", 0},
      {host, "lost_lan0", name + ": lost on the cable, towards the internet", 0},
  };
}

// The first `length` bits of an address, as nft compares a piece of payload.
std::string leading_bits(const Address& address, unsigned length) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < length; ++i) value = value << 1 | (address.bytes()[i / 8] >> (7 - i % 8) & 1U);
  return fmt::format("{:#x}", value);
}

// The internet's messages "too big" about packets to this site. Whom they are about stands in the packet that they
// quote: behind 8 bytes of ICMP, at byte 16 of an IPv4 header and at byte 24 of an IPv6 header.
void withhold_about(RuleChain& chain, const SitePlan& plan, const SiteState& state) {
  if (state.uplink.too_big || plan.has_carrier()) return;
  const auto withhold = [&](const char* message, unsigned offset, const Address& address, unsigned length) {
    chain.rules.push_back(fmt::format("{} @th,{},{} {} counter name too_big_withheld_{} drop", message, offset, length,
                                      leading_bits(address, length), plan.internet_interface));
  };
  constexpr const char* kNeeded = "icmp type destination-unreachable icmp code frag-needed";
  withhold(kNeeded, (8 + 16) * 8, public_prefix(plan, state.public_generation).address, 32);
  if (plan.lan4 && !plan.site->nat) withhold(kNeeded, (8 + 16) * 8, plan.lan4->address, plan.lan4->length);
  if (plan.lan6) withhold("icmpv6 type packet-too-big", (8 + 24) * 8, plan.lan6->address, plan.lan6->length);
}

std::string lost_on(const SiteFacts& facts, const model::Direction& direction) {
  return facts.user_space_uplink ? "" : match_lost(loss_pattern(direction.loss));
}

}  // namespace

RuleTable edge_table(const SiteFacts& facts, const SiteState& state) {
  const auto& site = *facts.plan->site;
  RuleTable table;
  add_names(table, edge_counters(facts));
  for (const auto& sets : facts.domains) {
    table.sets.push_back({"set", sets.set4, "type ipv4_addr;", {}});
    table.sets.push_back({"set", sets.set6, "type ipv6_addr;", {}});
  }
  Border border;
  border.nat = nat_of_edge(site);
  border.egress = state.egress;
  border.isolation = site.isolation;
  border.nat64 = site.nat64.has_value();
  border.public_address =
      to_string(facts.plan->has_carrier() ? facts.plan->inner4.address
                                          : public_prefix(*facts.plan, state.public_generation).address);
  border.generation = state.mapping_generation;
  border.epoch = state.mapping_generation + state.public_generation;
  border.too_big = state.uplink.too_big;
  for (const auto& server : facts.plan->servers) {
    if (!server.own_egress) continue;
    if (server.address4) border.exempt.push_back(to_string(server.address4->address));
    if (server.address6) border.exempt.push_back(to_string(server.address6->address));
  }
  add_loss(table, kWan, lost_on(facts, state.uplink.down), "lost_wan0");
  add_border(table, border);
  if (needs_gate(facts)) table.chains.push_back(gate_chain());
  if (state.egress) add_egress(table, *state.egress, facts.domains);
  add_edge_boxes(table, *facts.plan);
  return table;
}

RuleTable carrier_table(const SiteFacts& facts, const SiteState& state) {
  RuleTable table;
  add_names(table, carrier_counters(facts));
  Border border;
  border.nat = facts.plan->site->carrier;
  border.public_address = to_string(public_prefix(*facts.plan, state.public_generation).address);
  border.generation = state.mapping_generation;
  border.epoch = state.mapping_generation + state.public_generation;
  border.too_big = state.uplink.too_big;
  add_loss(table, kLan, lost_on(facts, state.uplink.up), "lost_lan0");
  add_border(table, border);
  return table;
}

RuleTable internet_table(const std::vector<SiteFacts>& sites, const std::vector<SiteState>& states) {
  RuleTable table;
  add_names(table, internet_counters(sites));
  RuleChain silence{"own_output", "type filter hook output priority filter; policy accept;", {}};
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const auto& plan = *sites[i].plan;
    if (!plan.has_carrier()) {
      add_loss(table, plan.internet_interface, lost_on(sites[i], states[i].uplink.up),
               "lost_" + plan.internet_interface);
    }
  }
  for (std::size_t i = 0; i < sites.size(); ++i) withhold_about(silence, *sites[i].plan, states[i]);
  table.chains.push_back(std::move(silence));
  return table;
}

std::vector<Counter> edge_counters(const SiteFacts& facts) {
  auto counters = border_counters(facts.plan->edge, facts.plan->edge);
  for (auto& counter : edge_box_counters(*facts.plan)) counters.push_back(std::move(counter));
  for (const auto& list : facts.lists) {
    for (auto& counter : egress_counters(facts.plan->edge, facts.plan->site->name, list)) {
      counters.push_back(std::move(counter));
    }
  }
  return counters;
}

std::vector<Counter> carrier_counters(const SiteFacts& facts) {
  return border_counters(facts.plan->carrier, facts.plan->carrier);
}

std::vector<Counter> internet_counters(const std::vector<SiteFacts>& sites) {
  std::vector<Counter> counters;
  for (const auto& facts : sites) {
    if (facts.plan->has_carrier()) continue;
    counters.push_back({"internet", "lost_" + facts.plan->internet_interface,
                        facts.plan->site->name + ": lost on the cable, towards the internet", 0});
    counters.push_back({"internet", "too_big_withheld_" + facts.plan->internet_interface,
                        facts.plan->site->name + ": \"packet too big\" about packets to it not sent", 0});
  }
  return counters;
}

}  // namespace crypelab::blueprint
