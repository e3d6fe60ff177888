#include "harness/judge/matching.h"

#include "harness/blueprint/egress_rules.h"
#include "harness/model/describe.h"
#include "harness/model/world.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

bool is_named(const std::vector<std::string>& domains, const Address& address) {
  for (const auto& name : model::world_names()) {
    if (std::ranges::find(name.addresses, address) == name.addresses.end()) continue;
    for (const auto& domain : domains) {
      if (domain == name.name) return true;
      if (domain.starts_with("*.") && name.name.ends_with(domain.substr(1))) return true;
    }
  }
  return false;
}

// What a rule had counted when its counter was looked at last: before the step that took it away, or at the end.
std::int64_t counted(const Scene& scene, const std::string& host, const std::string& name) {
  std::int64_t packets = -1;
  for (const auto& event : scene.attempt().events) {
    if (event.source != model::Source::rule || event.where != host) continue;
    if (model::text_field(event, "name") == name) packets = number_field(event, "packets");
  }
  return packets;
}

// The list in force at that time, and its number for the counters' names.
std::pair<const std::vector<model::EgressRule>*, unsigned> list_at(const Scene& scene, const model::Site& site,
                                                                   Moment at) {
  const std::vector<model::EgressRule>* rules = site.egress ? &*site.egress : nullptr;
  unsigned generation = 0;
  unsigned number = 0;
  const auto& steps = scene.scenario().steps;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto* change = std::get_if<model::ChangeEgress>(&steps[i].change);
    if (change == nullptr || change->site != site.name) continue;
    ++number;
    const auto happened = scene.happened(i);
    if (!happened || *happened > at) continue;
    rules = &change->egress;
    generation = number;
  }
  return {rules, generation};
}

}  // namespace

bool covers(const model::Match& match, const Flow& flow) {
  using model::Protocol;
  const bool udp = flow.protocol == wire::ip_protocol::udp;
  if (match.protocol == Protocol::icmp) return false;
  if (match.protocol == Protocol::udp && !udp) return false;
  if (match.protocol == Protocol::tcp && udp) return false;
  const auto in = [&](const model::PortRange& range) {
    return flow.far.port >= range.first && flow.far.port <= range.last;
  };
  if (!match.ports.empty() && std::ranges::none_of(match.ports, in)) return false;
  const auto holds = [&](const Prefix& prefix) {
    return prefix.address.family() == flow.far.address.family() && prefix.contains(flow.far.address);
  };
  if (!match.to.empty() && std::ranges::none_of(match.to, holds)) return false;
  if (!match.domains.empty() && !is_named(match.domains, flow.far.address)) return false;
  if (match.payload == model::Payload::stun && (!udp || flow.opening != Opening::stun)) return false;
  return true;
}

std::optional<Ruling> ruling_of(const Scene& scene, const std::string& site_name, const Flow& flow) {
  const auto* site = model::find_site(scene.scenario(), site_name);
  if (site == nullptr) return std::nullopt;
  const auto [rules, generation] = list_at(scene, *site, flow.began);
  if (rules == nullptr) return std::nullopt;
  const std::string edge = site_name + ".edge";
  for (std::size_t i = 0; i < rules->size(); ++i) {
    const auto& rule = (*rules)[i];
    const bool tcp_only =
        std::holds_alternative<model::Reset>(rule.action) || std::holds_alternative<model::FirstBytes>(rule.action);
    if ((tcp_only && !flow.tcp()) || !covers(rule.match, flow)) continue;
    Ruling ruling{.rule = &rule};
    ruling.text = fmt::format("{} egress {}: {} (line {})", site_name, i + 1, model::describe(rule), rule.line);
    ruling.packets = counted(scene, edge, blueprint::egress_name(generation, i + 1) + "_out");
    ruling.allows = std::holds_alternative<model::Allow>(rule.action) ||
                    std::holds_alternative<model::Police>(rule.action) ||
                    std::holds_alternative<model::Lose>(rule.action);
    return ruling;
  }
  Ruling ruling{.text = fmt::format("{} egress: no rule lets it out", site_name)};
  ruling.packets = counted(scene, edge, blueprint::egress_name(generation, 0) + "_out");
  return ruling;
}

}  // namespace crypelab::judge
