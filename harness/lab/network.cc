#include "harness/lab/network.h"

#include "harness/base/error.h"
#include "harness/kernel/flows.h"
#include "harness/kernel/neighbour.h"
#include "harness/kernel/queue_rule.h"
#include "harness/kernel/route.h"
#include "harness/kernel/rule_set.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::lab {
namespace {

// Every rule of ours lives in one table, so that it is replaced as a whole and nobody else's is touched.
const kernel::RuleTable kTable{"inet", "crypelab"};

// What comes in while the lab is busy with something else waits there.
constexpr kernel::Capture::Settings kCaptureRing{.ring_bytes = std::size_t{2} << 20U};

constexpr kernel::Mac kBridgeMac{0x02, 0xc1, 0, 0, 0, 0xb0};

// Locally administered, and the same for the same cable of every run.
kernel::Mac mac(std::size_t number, std::uint8_t end) {
  return {0x02,
          0xc1,
          static_cast<std::uint8_t>(number >> 16),
          static_cast<std::uint8_t>(number >> 8),
          static_cast<std::uint8_t>(number),
          end};
}

kernel::Route kernel_route(const blueprint::Route& route) {
  return {.to = route.to, .via = route.via, .device = route.device, .metric = route.metric, .table = route.table};
}

bool cuts_packets(const model::Direction& direction) {
  return direction.rate || !std::holds_alternative<std::monostate>(direction.loss);
}

}  // namespace

Network::Network(const blueprint::Blueprint& plan, const std::vector<CapturePoint>& points) {
  kernel::reserve_descriptors(64 + plan.hosts.size() * 4 + plan.processes.size() * 8 + points.size());
  for (const auto& host : plan.hosts) {
    auto& alive = hosts_[host.name];
    for (const auto& sysctl : host.sysctls) alive.sysctl("net/" + sysctl.path, sysctl.value);
  }
  std::deque<kernel::RuleSetLoad> loads;
  for (const auto& host : plan.hosts) {
    if (!host.rule_set.empty()) {
      loads.emplace_back(hosts_.at(host.name), host.rule_set);
      counters_.try_emplace(host.name, hosts_.at(host.name), kTable);
    }
  }
  for (const auto& cable : plan.cables) lay(cable, wires_.size());
  for (const auto& host : plan.hosts) {
    for (const auto& bridge : host.bridges) {
      auto link = kernel::make_bridge(hosts_.at(host.name), bridge.name, kBridgeMac);
      for (const auto& prefix : bridge.addresses) link.add(prefix);
    }
    address(host);
  }
  for (auto& load : loads) load.finish();
  for (const auto& host : plan.hosts) {
    for (const auto& queue : host.queues) {
      kernel::queue_packets(hosts_.at(host.name), kTable, queue.chain, queue.number);
    }
  }
  std::vector<kernel::Link> watched;
  for (const auto& point : points) watched.emplace_back(hosts_.at(point.interface.host), point.device);
  captures_.emplace(watched, kCaptureRing);
  for (auto& wire : wires_) {
    wire.near.raise();
    if (wire.far) wire.far->raise();
  }
  if (engine_) engine_->start();
  introduce(plan);
  // Routes need links that are up.
  for (const auto& host : plan.hosts) {
    for (const auto& route : host.routes) add_route(host.name, route);
    std::uint32_t priority = 100;
    for (const auto& rule : host.policy_rules) {
      kernel::add(
          hosts_.at(host.name),
          kernel::PolicyRule{
              .family = rule.from.address.family(), .priority = priority++, .table = rule.table, .from = rule.from});
    }
  }
}

void Network::lay(const blueprint::Cable& cable, std::size_t number) {
  const bool cut = cuts_packets(cable.a_to_b) || cuts_packets(cable.b_to_a);
  const kernel::CableEnd a{hosts_.at(cable.a.host), cable.a.interface, mac(number, 0), cable.mtu, !cut};
  const kernel::CableEnd b{hosts_.at(cable.b.host), cable.b.interface, mac(number, 1), cable.mtu, !cut};
  // Who looks at packets looks at datagrams.
  const auto look_alike = [](Wire& wire) {
    for (auto* end : {&wire.first(), &wire.second()}) end->set_datagram_offload(false);
  };
  if (!cable.user_space) {
    auto& wire = wires_.emplace_back(kernel::Cable(a, b));
    look_alike(wire);
    shape(wire, cable);
    return;
  }
  if (!engine_) engine_.emplace();
  const auto& inside = engine_->inside();
  auto& wire =
      wires_.emplace_back(kernel::Cable(a, {inside, CableEngine::near_name(number), mac(number, 2), cable.mtu, !cut}));
  wire.far.emplace(kernel::CableEnd{inside, CableEngine::far_name(number), mac(number, 3), cable.mtu, !cut}, b);
  look_alike(wire);
  wire.link = engine_->add(number, cable.a_to_b, cable.b_to_a);
}

void Network::shape(Wire& wire, const blueprint::Cable& cable) {
  if (wire.far) {
    engine_->change(wire.link, cable.a_to_b, cable.b_to_a);
    return;
  }
  const auto set = [](std::optional<kernel::TokenBucket>& bucket, kernel::Link& leaving,
                      const std::optional<BitRate>& rate) {
    if (!rate) {
      bucket.reset();
    } else if (bucket) {
      bucket->replace(kernel::shaping_for(*rate));
    } else {
      bucket.emplace(leaving, kernel::shaping_for(*rate));
    }
  };
  set(wire.first_rate, wire.first(), cable.a_to_b.rate);
  set(wire.second_rate, wire.second(), cable.b_to_a.rate);
}

void Network::address(const blueprint::Host& host) {
  const auto& inside = hosts_.at(host.name);
  for (const auto& interface : host.interfaces) {
    kernel::Link link(inside, interface.name);
    for (const auto& prefix : interface.addresses) link.add(prefix);
    if (!interface.bridge.empty()) {
      link.join(kernel::Link(inside, interface.bridge));
      if (interface.isolated) link.set_isolated(true);
    }
  }
}

// The two ends of each cable know each other's IPv6 addresses. The kernel joins the groups in which a neighbour is
// looked for some time after the addresses are there, and who asks before that asks again only a second later (RFC 4861
// section 10): the first packets of a lab would be late, now and then. IPv4 is asked for by broadcast, and at once.
void Network::introduce(const blueprint::Blueprint& plan) {
  struct Place {  // where an end of a cable has its addresses
    std::string device;
    std::vector<Prefix> addresses;
    kernel::Mac mac;
  };
  const auto place = [&](const blueprint::End& end, const kernel::Mac& own) -> Place {
    const auto* host = blueprint::find_host(plan, end.host);
    const auto interface = std::ranges::find(host->interfaces, end.interface, &blueprint::Interface::name);
    if (interface->bridge.empty()) return {interface->name, interface->addresses, own};
    const auto bridge = std::ranges::find(host->bridges, interface->bridge, &blueprint::Bridge::name);
    return {bridge->name, bridge->addresses, kBridgeMac};
  };
  const auto tell = [&](const std::string& host, const Place& here, const Place& there) {
    std::optional<kernel::Link> link;
    for (const auto& prefix : there.addresses) {
      if (!prefix.address.is_v6()) continue;
      if (!link) link.emplace(hosts_.at(host), here.device);
      kernel::set_neighbour(*link, prefix.address, there.mac);
    }
  };
  for (std::size_t i = 0; i < plan.cables.size(); ++i) {
    const auto& cable = plan.cables[i];
    const auto a = place(cable.a, mac(i, 0));
    const auto b = place(cable.b, mac(i, 1));
    tell(cable.a.host, a, b);
    tell(cable.b.host, b, a);
  }
}

const kernel::NetworkNamespace& Network::host(const std::string& name) const {
  const auto found = hosts_.find(name);
  if (found == hosts_.end()) throw Failure(Exit::software, fmt::format("the lab has no host '{}'", name));
  return found->second;
}

Counts Network::counters(const std::string& host) const {
  Counts counts;
  const auto found = counters_.find(host);
  if (found == counters_.end()) return counts;
  for (const auto& [name, count] : found->second.read()) counts[host + "/" + name] = count;
  return counts;
}

Counts Network::counters() const {
  Counts counts;
  for (const auto& [host, reader] : counters_) counts.merge(counters(host));
  return counts;
}

void Network::load_rules(const std::string& host, const std::string& rule_set) {
  kernel::load_rules(this->host(host), rule_set);
}

void Network::switch_cable(std::size_t cable, bool up) {
  auto& wire = wires_.at(cable);
  if (up && wire.first_unplugged) {
    wire.first_unplugged->end();
    wire.first_unplugged.reset();
    if (wire.second_unplugged) wire.second_unplugged->end();
    wire.second_unplugged.reset();
  } else if (!up && !wire.first_unplugged) {
    wire.first_unplugged.emplace(wire.near.first(), wire.near.second());
    if (wire.far) wire.second_unplugged.emplace(wire.far->second(), wire.far->first());
  }
}

void Network::change_cable(std::size_t cable, const blueprint::Cable& now) {
  auto& wire = wires_.at(cable);
  const bool cut = cuts_packets(now.a_to_b) || cuts_packets(now.b_to_a);
  for (auto* end : {&wire.first(), &wire.second()}) {
    end->set_segmentation_offload(!cut);
    end->set_mtu(now.mtu);
  }
  if (wire.far) {
    wire.near.second().set_mtu(now.mtu);
    wire.far->first().set_mtu(now.mtu);
  }
  shape(wire, now);
}

void Network::raise_tunnel(const blueprint::Host& host) {
  for (const auto& route : host.tunnel_routes) {
    kernel::Link(this->host(host.name), route.device).up();
    add_route(host.name, route);
  }
}

void Network::renumber(const blueprint::RenumberInterface& change) {
  kernel::Link link(host(change.end.host), change.end.interface);
  for (const auto& prefix : change.added) link.add(prefix);
  for (const auto& prefix : change.removed) link.remove(prefix);
}

void Network::add_route(const std::string& host, const blueprint::Route& route) {
  kernel::replace(this->host(host), kernel_route(route));
}

void Network::forget_flows(const std::string& host) { kernel::forget_flows(this->host(host)); }

}  // namespace crypelab::lab
