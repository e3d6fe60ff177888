#include "harness/blueprint/egress_decision.h"

#include <algorithm>
#include <array>

namespace crypelab::blueprint {
namespace {

using measure::Outcome;
using measure::Transport;

constexpr Duration kMeasured = std::chrono::seconds(10);  // a measurement is over by then

bool matches(const model::EgressRule& rule, Transport transport, const Endpoint& to) {
  const auto& match = rule.match;
  const auto own = transport == Transport::udp ? model::Protocol::udp : model::Protocol::tcp;
  if (match.protocol != model::Protocol::any && match.protocol != own) return false;
  const bool only_tcp =
      std::holds_alternative<model::Reset>(rule.action) || std::holds_alternative<model::FirstBytes>(rule.action);
  if (only_tcp && transport != Transport::tcp) return false;
  const auto in = [&](const model::PortRange& range) { return range.first <= to.port && to.port <= range.last; };
  if (!match.ports.empty() && std::ranges::none_of(match.ports, in)) return false;
  return match.to.empty() ||
         std::ranges::any_of(match.to, [&](const Prefix& prefix) { return prefix.contains(to.address); });
}

bool passes(const model::Action& action) {
  return !std::holds_alternative<model::Drop>(action) && !std::holds_alternative<model::Reject>(action) &&
         !std::holds_alternative<model::Reset>(action);
}

// A transparent proxy, or a box that takes TLS connections, answers in place of whoever was asked.
bool is_intercepted(const model::Site& site, Transport transport, const Endpoint& to) {
  if (transport != Transport::tcp) return false;
  const auto in = [&](const model::PortRange& range) { return range.first <= to.port && to.port <= range.last; };
  if (site.tls_inspection && std::ranges::any_of(site.tls_inspection->ports, in)) return true;
  if (site.tls_relay && to.address.is_v4() && std::ranges::any_of(site.tls_relay->ports, in)) return true;
  const auto proxy = std::ranges::find(site.proxies, true, &model::Proxy::transparent);
  if (proxy == site.proxies.end()) return false;
  return to.port == 80 || (to.port == 443 && proxy->inspect.has_value());
}

// A captive portal takes the web and holds back everything else, for long enough to be measured.
EgressDecision behind_portal(const model::Portal& portal, Transport transport, const Endpoint& to) {
  EgressDecision decision;
  decision.passes = false;
  decision.held = true;
  const bool web = transport == Transport::tcp && (to.port == 80 || to.port == 443);
  decision.known = !web && (!portal.released || *portal.released >= kMeasured);
  return decision;
}

// What a gate makes of a connection that begins like this.
Outcome outcome_at_gate(const model::FirstBytes& gate, const measure::Reach& ask) {
  using Inside = model::FirstBytes::Inside;
  const auto opening = ask.opening.value_or(measure::Opening::stun);
  bool passes = opening == measure::Opening::http && gate.inside != Inside::tls;
  if (opening == measure::Opening::tls && gate.inside != Inside::http) {
    const auto lists_name = [&](const std::string& pattern) { return covers(pattern, ask.server_name); };
    const auto lists = [&](const std::string& protocol) { return std::ranges::count(gate.alpn, protocol) > 0; };
    const bool named = !ask.server_name.empty();
    passes = (named || (!gate.sni_required && gate.sni.empty())) &&
             (gate.sni.empty() || std::ranges::any_of(gate.sni, lists_name)) &&
             (gate.alpn.empty() || std::ranges::all_of(ask.protocols, lists));
  }
  if (passes || gate.after) return Outcome::answered;  // a question is far smaller than what passes at first
  return gate.otherwise == model::FirstBytes::Otherwise::reset ? Outcome::reset : Outcome::accepted;
}

}  // namespace

bool covers(const std::string& pattern, const std::string& name) {
  if (pattern.starts_with("*.")) return name.ends_with(pattern.substr(1));
  return pattern == name;
}

EgressDecision decide(const model::Site& site, Transport transport, const Endpoint& to, const std::string& name) {
  EgressDecision decision;
  if (site.portal) return behind_portal(*site.portal, transport, to);
  if (is_intercepted(site, transport, to)) {
    decision.known = false;
    return decision;
  }
  if (!site.egress) return decision;
  for (std::size_t i = 0; i < site.egress->size(); ++i) {
    const auto& rule = (*site.egress)[i];
    if (!matches(rule, transport, to)) continue;
    if (!rule.match.domains.empty()) {
      const bool named =
          std::ranges::any_of(rule.match.domains, [&](const auto& pattern) { return covers(pattern, name); });
      if (!named) continue;  // no name of another host has its addresses
      decision.known = false;
    }
    decision.rule = &rule;
    decision.index = i + 1;
    decision.passes = passes(rule.action);
    return decision;
  }
  decision.passes = false;
  return decision;
}

Outcome outcome(const EgressDecision& decision, const measure::Reach& ask) {
  if (decision.passes && decision.rule != nullptr) {
    if (const auto* gate = std::get_if<model::FirstBytes>(&decision.rule->action)) return outcome_at_gate(*gate, ask);
  }
  if (decision.passes) return Outcome::answered;
  if (decision.rule == nullptr) return Outcome::silent;
  if (std::holds_alternative<model::Reset>(decision.rule->action)) return Outcome::refused;
  if (const auto* reject = std::get_if<model::Reject>(&decision.rule->action)) {
    constexpr std::array words{Outcome::admin_prohibited, Outcome::port_unreachable, Outcome::host_unreachable,
                               Outcome::network_unreachable};
    return words.at(static_cast<std::size_t>(reject->with));
  }
  return Outcome::silent;
}

}  // namespace crypelab::blueprint
