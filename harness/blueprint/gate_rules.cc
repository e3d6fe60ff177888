#include "harness/blueprint/gate_rules.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::blueprint {
namespace {

constexpr unsigned kDecision = 0x30000;
constexpr unsigned kPassed = 0x10000;
constexpr unsigned kRefused = 0x20000;
constexpr unsigned kInbound = 0x40000;
constexpr unsigned kMostRules = 200;

}  // namespace

bool needs_gate(const SiteFacts& facts) {
  return std::ranges::any_of(facts.lists, [](const EgressList& list) {
    return std::ranges::any_of(*list.rules,
                               [](const auto& rule) { return std::holds_alternative<model::FirstBytes>(rule.action); });
  });
}

RuleChain gate_chain() { return {"gate", "", {"drop"}}; }

unsigned gate_number(unsigned generation, std::size_t rule) {
  return generation * kMostRules + static_cast<unsigned>(rule);
}

services::GateSettings gate_settings(const SiteFacts& facts) {
  services::GateSettings settings;
  settings.name = facts.plan->site->name + ".gate";
  settings.host = facts.plan->edge;
  settings.queue = kGateQueue;
  for (const auto& list : facts.lists) {
    for (std::size_t i = 0; i < list.rules->size(); ++i) {
      const auto* action = std::get_if<model::FirstBytes>(&(*list.rules)[i].action);
      if (action == nullptr) continue;
      settings.policies.push_back({gate_number(list.generation, i + 1),
                                   facts.plan->site->name + "/" + egress_name(list.generation, i + 1), *action});
    }
  }
  return settings;
}

std::vector<std::string> gate_body(const model::FirstBytes& action, unsigned policy, bool inbound,
                                   const std::string& hit, const std::string& over) {
  const auto decided = fmt::format("ct mark and {:#x} == ", kDecision);
  const auto told = fmt::format("meta mark and {:#x} == ", kDecision);
  const auto remember = [](unsigned what) { return fmt::format("ct mark set ct mark or {:#x} ", what); };
  const bool reset = action.otherwise == model::FirstBytes::Otherwise::reset;
  std::vector<std::string> rules;
  rules.push_back(fmt::format("{}{:#x} {} accept", decided, kPassed, hit));
  if (action.after) {
    rules.push_back(fmt::format("{}{:#x} ct bytes <= {} {} accept", decided, kRefused, action.after->bytes, hit));
  }
  rules.push_back(fmt::format("{}{:#x} {}", decided, kRefused, hit));
  rules.push_back(fmt::format("{}{:#x} {} {}", decided, kRefused, over, reset ? "reject with tcp reset" : "drop"));
  // The packet that decided, on its second way; it has been counted on its first.
  rules.push_back(fmt::format("{}{:#x} {}accept", told, kPassed, remember(kPassed)));
  if (action.after) {
    rules.push_back(
        fmt::format("{}{:#x} ct bytes <= {} {}accept", told, kRefused, action.after->bytes, remember(kRefused)));
  }
  rules.push_back(fmt::format("{}{:#x} {}{} drop", told, kRefused, remember(kRefused), over));
  rules.push_back(hit);
  // A server's answer to a SYN says nothing, and waits for nobody.
  if (inbound) rules.emplace_back("tcp flags & (fin | syn | rst | ack) == (syn | ack) accept");
  rules.push_back(fmt::format("meta mark set {:#x} goto {}", policy | (inbound ? kInbound : 0), gate_chain().name));
  return rules;
}

}  // namespace crypelab::blueprint
