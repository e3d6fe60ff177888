#include "harness/blueprint/nat_rules.h"

#include <chrono>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::blueprint {
namespace {

using model::Dependence;
using model::PortAssignment;

constexpr unsigned kSequentialCount = 512;

// nft knows milliseconds as its smallest unit of a timeout.
std::string timeout(Duration timer) {
  return fmt::format("{}ms", std::chrono::duration_cast<std::chrono::milliseconds>(timer).count());
}

struct Transport {
  const char* name;
  Duration timer;
};

// What a mapping depends on, out of the packet, and out of the connection's first packet.
std::string key_type(Dependence mapping) {
  return mapping == Dependence::address ? "inet_proto . ipv4_addr . inet_service . ipv4_addr"
                                        : "inet_proto . ipv4_addr . inet_service";
}
std::string packet_key(Dependence mapping) {
  return mapping == Dependence::address ? "meta l4proto . ip saddr . th sport . ip daddr"
                                        : "meta l4proto . ip saddr . th sport";
}

RuleSetObject learnt(const char* kind, const char* name, const std::string& type, unsigned epoch) {
  return {kind, name, fmt::format("type {}; size 65535; flags dynamic,timeout;", type), {}, epoch};
}

// How nft says to which port: `masquerade to :PORT`, `snat ip to ADDRESS:PORT`.
struct Statement {
  std::string keep;                   // without a port: the kernel keeps it if it can
  std::string to;                     // before a port
  unsigned sequential_first = 40000;  // each rule counts for itself: the two must not meet
};

// After the mappings moved, ports come from a range that the generation before did not use.
const char* port_range(unsigned generation) {
  if (generation == 0) return "1024-65535";
  return generation % 2 == 1 ? "20000-39999" : "40000-59999";
}

// A flow remembers under which generation it was made, in two bits of its mark that neither the egress rules (the low
// sixteen) nor the gate use.
constexpr unsigned kGenerations = 0x180000;
unsigned generation_mark(unsigned generation) { return generation % 2 == 1 ? 0x80000 : 0x100000; }

std::string remember_generation(unsigned generation) {
  return fmt::format("ct mark set ct mark and {:#x} or {:#x}", ~kGenerations, generation_mark(generation));
}

// A new mapping's external port. Ports straight out of numgen would have their bytes swapped: it goes through a map.
std::vector<std::string> choose_port(const model::Nat& nat, unsigned generation, const Statement& statement) {
  const std::string transport = "meta l4proto { tcp, udp } ";
  const std::string& to = statement.to;
  if (nat.ports == PortAssignment::sequential) {
    std::vector<std::string> ports;
    for (unsigned i = 0; i < kSequentialCount; ++i)
      ports.push_back(fmt::format("{} : {}", i, statement.sequential_first + i));
    return {fmt::format("{}{}numgen inc mod {} map {{ {} }}", transport, to, kSequentialCount, fmt::join(ports, ", "))};
  }
  std::vector<std::string> rules;
  if (nat.ports == PortAssignment::preserve && generation == 0) {
    rules.push_back(fmt::format("{}meta l4proto . th sport != @nat_taken {}", transport, statement.keep));
  }
  rules.push_back(fmt::format("{}{}{} fully-random", transport, to, port_range(generation)));
  return rules;
}

void add_sets(RuleTable& table, const model::Nat& nat, const NatPlace& place) {
  if (nat.mapping != Dependence::address_and_port) {
    table.sets.push_back(learnt("map", "nat_mappings", key_type(nat.mapping) + " : inet_service", place.epoch));
  }
  table.sets.push_back(
      learnt("map", "nat_owners", "inet_proto . inet_service : ipv4_addr . inet_service", place.epoch));
  table.sets.push_back(learnt("set", "nat_taken", "inet_proto . inet_service", place.epoch));
  table.sets.push_back(learnt("set", "nat_owned", "inet_proto . inet_service . ipv4_addr . inet_service", place.epoch));
  if (nat.filtering == Dependence::address) {
    table.sets.push_back(learnt("set", "nat_peers", "inet_proto . ipv4_addr . inet_service . ipv4_addr", place.epoch));
  }
  if (nat.hairpin && nat.filtering != Dependence::endpoint_independent) {
    // Address-dependent: all hairpin peers share the one public address, so who sent to any has sent to all.
    table.sets.push_back(learnt("set", "nat_hairpins",
                                nat.filtering == Dependence::address
                                    ? "inet_proto . ipv4_addr . inet_service"
                                    : "inet_proto . ipv4_addr . inet_service . ipv4_addr . inet_service",
                                place.epoch));
  }
  table.sets.push_back({"set", "nat_public", "type ipv4_addr;", {place.public_address}});
}

// Destination translation: who owns the external port. With address-and-port-dependent filtering connection tracking
// does it alone, and nothing new comes in from outside.
void add_inbound(RuleTable& table, const model::Nat& nat, const NatPlace& place) {
  RuleChain chain{"nat_in", "type nat hook prerouting priority dstnat; policy accept;", {}};
  const std::string translate =
      "ip daddr @nat_public meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @nat_owners";
  if (place.generation > 0) chain.rules.push_back(remember_generation(place.generation));
  if (nat.filtering != Dependence::address_and_port) {
    chain.rules.push_back(fmt::format("iifname \"{}\" {}", place.outside, translate));
  }
  if (nat.hairpin) chain.rules.push_back(fmt::format("iifname \"{}\" {}", place.lan, translate));
  table.chains.push_back(std::move(chain));

  RuleChain filter{"nat_unsolicited", "", {}};
  if (nat.filtering == Dependence::endpoint_independent) filter.rules.emplace_back("ct status dnat return");
  if (nat.filtering == Dependence::address) {
    filter.rules.emplace_back("ct status dnat meta l4proto . ip daddr . th dport . ip saddr @nat_peers return");
  }
  filter.rules.emplace_back("counter name unsolicited drop");
  table.chains.push_back(std::move(filter));
}

// Hairpin (RFC 4787 section 6): both sides are internal, each is the other's "outside", and the filtering holds between
// them too. A packet that the filtering drops still opens the way back, as one sent to the internet would.
void add_hairpin(RuleTable& table, const model::Nat& nat) {
  RuleChain chain{"nat_hairpin", "", {"ct state established,related accept"}};
  if (nat.filtering == Dependence::endpoint_independent) {
    chain.rules.emplace_back("accept");
  } else {
    const bool any_port = nat.filtering == Dependence::address;
    for (const auto& [name, timer] : {Transport{"udp", nat.udp_timer}, Transport{"tcp", nat.tcp_timer}}) {
      chain.rules.push_back(
          fmt::format("meta l4proto {} update @nat_hairpins {{ meta l4proto . ip saddr . th sport{} timeout {} }}",
                      name, any_port ? "" : " . ip daddr . th dport", timeout(timer)));
    }
    chain.rules.push_back(fmt::format("meta l4proto . ip daddr . th dport{} @nat_hairpins accept",
                                      any_port ? "" : " . ip saddr . th sport"));
    chain.rules.emplace_back("counter name unsolicited drop");
  }
  table.chains.push_back(std::move(chain));
}

void add_outbound(RuleTable& table, const model::Nat& nat, const NatPlace& place) {
  RuleChain chain{"nat_out", "type nat hook postrouting priority srcnat; policy accept;", {}};
  chain.rules.push_back(
      fmt::format("meta nfproto ipv4 iifname {{ {} }} oifname \"{}\" goto nat_translate", place.inside, place.outside));
  if (nat.hairpin) {
    chain.rules.push_back(fmt::format(
        "meta nfproto ipv4 iifname \"{0}\" oifname \"{0}\" ct status dnat goto nat_translate_hairpin", place.lan));
  }
  table.chains.push_back(std::move(chain));

  const auto translate = [&](const char* name, const Statement& statement, const char* other) {
    RuleChain body{name, "", {}};
    if (nat.mapping != Dependence::address_and_port) {
      body.rules.push_back(
          fmt::format("meta l4proto {{ tcp, udp }} {}{} map @nat_mappings", statement.to, packet_key(nat.mapping)));
    }
    for (auto& rule : choose_port(nat, place.generation, statement)) body.rules.push_back(std::move(rule));
    body.rules.emplace_back(other);
    table.chains.push_back(std::move(body));
  };
  translate("nat_translate", {"masquerade", "masquerade to :"}, "masquerade");
  if (nat.hairpin) {
    const auto to = "snat ip to " + place.public_address;
    translate("nat_translate_hairpin", {to, to + ":", 41000}, "accept");
  }
}

// After the translation: what was chosen is written down. Two owners of one external port cannot be: the packet is
// dropped before its connection exists, and the sender's next one gets another port.
void add_learning(RuleTable& table, const model::Nat& nat, const NatPlace& place) {
  RuleChain chain{"nat_learn", "type filter hook postrouting priority 110; policy accept;", {}};
  chain.rules.push_back(fmt::format("meta nfproto ipv4 iifname {{ {} }} oifname \"{}\" goto nat_learn_flow",
                                    place.inside, place.outside));
  if (nat.hairpin) {
    chain.rules.push_back(
        fmt::format("meta nfproto ipv4 iifname \"{0}\" oifname \"{0}\" ct status dnat goto nat_learn_flow", place.lan));
  }
  table.chains.push_back(std::move(chain));

  RuleChain flow{"nat_learn_flow", "", {}};
  // Between the moment when the sets are emptied and that when the flows are forgotten packets of the generation before
  // pass: learnt from, they would bring its mappings back.
  if (place.generation > 0) {
    flow.rules.push_back(
        fmt::format("ct mark and {:#x} != {:#x} return", kGenerations, generation_mark(place.generation)));
  }
  for (const auto& [name, timer] : {Transport{"udp", nat.udp_timer}, Transport{"tcp", nat.tcp_timer}}) {
    flow.rules.push_back(
        fmt::format("meta l4proto {} ct state new ct direction original meta l4proto . ct reply proto-dst @nat_taken "
                    "meta l4proto . ct reply proto-dst . ct original ip saddr . ct original proto-src != @nat_owned "
                    "counter name nat_collision drop",
                    name));
    // The internal endpoint, its external port and the peer: of a flow that began inside, and of one that was let in.
    struct Side {
      const char* condition;
      const char* internal;
      const char* external;
      const char* peer;
    };
    for (const auto& side : {Side{"ct direction original", "ct original ip saddr . ct original proto-src",
                                  "ct reply proto-dst", "ct original ip daddr"},
                             Side{"ct direction reply ct status dnat", "ct reply ip saddr . ct reply proto-src",
                                  "ct original proto-dst", "ct original ip saddr"}}) {
      const auto head = fmt::format("meta l4proto {} {} update ", name, side.condition);
      const auto life = timeout(timer);
      if (nat.mapping != Dependence::address_and_port) {
        const auto peer = nat.mapping == Dependence::address ? fmt::format(" . {}", side.peer) : "";
        flow.rules.push_back(fmt::format("{}@nat_mappings {{ meta l4proto . {}{} timeout {} : {} }}", head,
                                         side.internal, peer, life, side.external));
      }
      flow.rules.push_back(fmt::format("{}@nat_owners {{ meta l4proto . {} timeout {} : {} }}", head, side.external,
                                       life, side.internal));
      flow.rules.push_back(fmt::format("{}@nat_taken {{ meta l4proto . {} timeout {} }}", head, side.external, life));
      flow.rules.push_back(fmt::format("{}@nat_owned {{ meta l4proto . {} . {} timeout {} }}", head, side.external,
                                       side.internal, life));
      if (nat.filtering == Dependence::address) {
        flow.rules.push_back(
            fmt::format("{}@nat_peers {{ meta l4proto . {} . {} timeout {} }}", head, side.internal, side.peer, life));
      }
    }
  }
  table.chains.push_back(std::move(flow));
}

}  // namespace

void add_nat(RuleTable& table, const model::Nat& nat, const NatPlace& place) {
  add_sets(table, nat, place);
  add_inbound(table, nat, place);
  if (nat.hairpin) add_hairpin(table, nat);
  add_outbound(table, nat, place);
  add_learning(table, nat, place);
}

}  // namespace crypelab::blueprint
