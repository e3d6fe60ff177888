#include "harness/blueprint/egress_rules.h"

#include "harness/blueprint/gate_rules.h"
#include "harness/blueprint/loss_pattern.h"
#include "harness/model/describe.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::blueprint {
namespace {

using model::Protocol;

enum class Way { out, in };

const char* suffix(Way way) { return way == Way::out ? "_out" : "_in"; }

// Prefixes of one family, without those that lie inside another: an nft set of intervals may not overlap.
std::vector<std::string> disjoint(const std::vector<Prefix>& prefixes, Family family) {
  std::vector<Prefix> kept;
  for (const auto& prefix : prefixes) {
    if (prefix.address.family() == family) kept.push_back({prefix.network(), prefix.length});
  }
  std::ranges::sort(kept, {}, [](const Prefix& prefix) { return std::pair(prefix.length, prefix.address); });
  std::vector<Prefix> distinct;
  for (const auto& prefix : kept) {
    if (std::ranges::none_of(distinct, [&](const Prefix& wider) { return wider.contains(prefix.address); })) {
      distinct.push_back(prefix);
    }
  }
  std::vector<std::string> texts;
  for (const auto& prefix : distinct) texts.push_back(to_string(prefix));
  return texts;
}

std::vector<std::string> merged(std::vector<model::PortRange> ranges) {
  std::ranges::sort(ranges, {}, &model::PortRange::first);
  std::vector<model::PortRange> kept;
  for (const auto& range : ranges) {
    if (!kept.empty() && range.first <= kept.back().last) {
      kept.back().last = std::max(kept.back().last, range.last);
    } else {
      kept.push_back(range);
    }
  }
  std::vector<std::string> texts;
  for (const auto& range : kept) {
    texts.push_back(range.first == range.last ? fmt::format("{}", range.first)
                                              : fmt::format("{}-{}", range.first, range.last));
  }
  return texts;
}

const DomainSets* sets_of(const std::vector<std::string>& domains, const std::vector<DomainSets>& all) {
  const auto found = std::ranges::find(all, domains, &DomainSets::domains);
  return found == all.end() ? nullptr : &*found;
}

// The conditions of a match; several when a family or a kind of address needs a rule of its own. None when it can match
// nothing.
std::vector<std::string> conditions(const model::Match& match, bool tcp_only, const std::vector<DomainSets>& sets,
                                    Way way) {
  const Protocol protocol = tcp_only ? Protocol::tcp : match.protocol;
  if (tcp_only && match.protocol != Protocol::any && match.protocol != Protocol::tcp) return {};
  std::string transport;
  if (protocol == Protocol::udp) transport = "meta l4proto udp ";
  if (protocol == Protocol::tcp) transport = "meta l4proto tcp ";
  // Of UDP's header eight bytes, of the message's four: the magic cookie (RFC 8489 section 5).
  if (match.payload == model::Payload::stun) transport += "@th,96,32 0x2112a442 ";
  if (protocol == Protocol::icmp) transport = "meta l4proto { icmp, ipv6-icmp } ";
  if (!match.ports.empty()) {
    if (protocol == Protocol::icmp) return {};
    if (protocol == Protocol::any) transport = "meta l4proto { tcp, udp } ";
    transport +=
        fmt::format("th {} {{ {} }} ", way == Way::out ? "dport" : "sport", fmt::join(merged(match.ports), ", "));
  }
  if (match.to.empty() && match.domains.empty()) return {transport};
  const auto* names = match.domains.empty() ? nullptr : sets_of(match.domains, sets);
  std::vector<std::string> all;
  for (const auto family : {Family::v4, Family::v6}) {
    const auto address =
        fmt::format("{} {} ", family == Family::v4 ? "ip" : "ip6", way == Way::out ? "daddr" : "saddr");
    std::string condition = transport;
    if (!match.to.empty()) {
      const auto prefixes = disjoint(match.to, family);
      if (prefixes.empty()) continue;
      condition += fmt::format("{}{{ {} }} ", address, fmt::join(prefixes, ", "));
    }
    if (names != nullptr) {
      condition += fmt::format("{}@{} ", address, family == Family::v4 ? names->set4 : names->set6);
    }
    all.push_back(condition);
  }
  return all;
}

const char* icmpx(model::Unreachable with) {
  switch (with) {
    case model::Unreachable::admin_prohibited:
      return "admin-prohibited";
    case model::Unreachable::port:
      return "port-unreachable";
    case model::Unreachable::host:
      return "host-unreachable";
    case model::Unreachable::network:
      return "no-route";
  }
  return "admin-prohibited";
}

// What a rule does with the packets that match it: the body of its chain.
struct Body {
  std::string name;       // "egress_1"
  unsigned identity = 0;  // distinguishes rules of all generations: kept in a connection's mark
  unsigned policy = 0;    // the gate's number for it
  Way way = Way::out;

  std::string hit() const { return fmt::format("counter name {}{}", name, suffix(way)); }
  std::string over() const { return fmt::format("counter name {}_stopped{}", name, suffix(way)); }

  std::vector<std::string> operator()(const model::Allow&) const { return {hit() + " accept"}; }
  std::vector<std::string> operator()(const model::Drop&) const { return {hit() + " drop"}; }
  std::vector<std::string> operator()(const model::Reject& reject) const {
    if (way == Way::in) return {hit() + " drop"};
    return {fmt::format("{} reject with icmpx {}", hit(), icmpx(reject.with))};
  }
  std::vector<std::string> operator()(const model::Reset&) const { return {hit() + " reject with tcp reset"}; }
  std::vector<std::string> operator()(const model::AcceptThenDrop& limit) const {
    std::vector<std::string> rules{hit()};
    if (limit.bytes) rules.push_back(fmt::format("ct bytes > {} {} drop", limit.bytes->bytes, over()));
    if (limit.time) {
      // The flow's first packet lights a candle that burns for the time; the mark remembers that it has been lit.
      const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(*limit.time).count();
      rules.push_back(
          fmt::format("ct mark and 0xffff != {} add @{}_burning {{ ct id timeout {}ms }} "
                      "ct mark set ct mark and 0xffff0000 or {} accept",
                      identity, name, time, identity));
      rules.push_back(fmt::format("ct id != @{}_burning {} drop", name, over()));
    }
    rules.emplace_back("accept");
    return rules;
  }
  std::vector<std::string> operator()(const model::Police& police) const {
    const auto rate = std::max<std::uint64_t>(police.rate.bits_per_second / 8, 1);
    const std::uint64_t burst = 3000;  // two packets more than the second's worth that nft always grants
    return {hit(), fmt::format("limit rate over {} bytes/second burst {} bytes {} drop", rate, burst, over()),
            "accept"};
  }
  std::vector<std::string> operator()(const model::Lose& lose) const {
    std::vector<std::string> rules{hit()};
    if (const auto lost = match_lost(loss_pattern(lose.loss)); !lost.empty()) {
      rules.push_back(fmt::format("{} {} drop", lost, over()));
    }
    rules.emplace_back("accept");
    return rules;
  }
  std::vector<std::string> operator()(const model::FirstBytes& first) const {
    return gate_body(first, policy, way == Way::in, hit(), over());
  }
};

bool may_stop(const model::Action& action) {
  return std::holds_alternative<model::AcceptThenDrop>(action) || std::holds_alternative<model::Police>(action) ||
         std::holds_alternative<model::Lose>(action) || std::holds_alternative<model::FirstBytes>(action);
}

}  // namespace

std::string egress_name(unsigned generation, std::size_t rule) {
  std::string name = "egress_";
  if (generation > 0) name += fmt::format("{}_", generation + 1);
  return name + (rule == 0 ? "default" : fmt::format("{}", rule));
}

void add_egress(RuleTable& table, const EgressList& list, const std::vector<DomainSets>& sets) {
  for (std::size_t i = 0; i < list.rules->size(); ++i) {
    const auto* limit = std::get_if<model::AcceptThenDrop>(&(*list.rules)[i].action);
    if (limit == nullptr || !limit->time) continue;
    table.sets.push_back({"set",
                          egress_name(list.generation, i + 1) + "_burning",
                          "typeof ct id; size 65535; flags dynamic,timeout;",
                          {}});
  }
  for (const auto way : {Way::out, Way::in}) {
    RuleChain chain{std::string("egress") + suffix(way), "", {}};
    std::vector<RuleChain> bodies;
    for (std::size_t i = 0; i < list.rules->size(); ++i) {
      const auto& rule = (*list.rules)[i];
      const Body body{egress_name(list.generation, i + 1), static_cast<unsigned>(list.generation * 1000 + i + 1),
                      gate_number(list.generation, i + 1), way};
      const bool tcp_only =
          std::holds_alternative<model::Reset>(rule.action) || std::holds_alternative<model::FirstBytes>(rule.action);
      for (const auto& condition : conditions(rule.match, tcp_only, sets, way)) {
        chain.rules.push_back(fmt::format("{}goto {}{}", condition, body.name, suffix(way)));
      }
      bodies.push_back({body.name + suffix(way), "", std::visit(body, rule.action)});
    }
    chain.rules.push_back(fmt::format("counter name {}{} drop", egress_name(list.generation, 0), suffix(way)));
    table.chains.push_back(std::move(chain));
    for (auto& body : bodies) table.chains.push_back(std::move(body));
  }
}

std::vector<Counter> egress_counters(const std::string& host, const std::string& site, const EgressList& list) {
  std::vector<Counter> counters;
  for (std::size_t i = 0; i <= list.rules->size(); ++i) {
    const bool last = i == list.rules->size();
    const auto name = egress_name(list.generation, last ? 0 : i + 1);
    const unsigned line = last ? 0 : (*list.rules)[i].line;
    const auto what = last ? fmt::format("{} egress: no rule matched, drop", site)
                           : fmt::format("{} egress {}: {}{}", site, i + 1, model::describe((*list.rules)[i]),
                                         line == 0 ? "" : fmt::format(" (line {})", line));
    for (const auto way : {Way::out, Way::in}) {
      const char* direction = way == Way::out ? "outbound" : "inbound";
      counters.push_back({host, name + suffix(way), fmt::format("{}, {}", what, direction), line});
      if (!last && may_stop((*list.rules)[i].action)) {
        counters.push_back(
            {host, name + "_stopped" + suffix(way), fmt::format("{}, {}, stopped by it", what, direction), line});
      }
    }
  }
  return counters;
}

}  // namespace crypelab::blueprint
