#include "harness/blueprint/far_side.h"

#include "harness/model/world.h"

#include <algorithm>

namespace crypelab::blueprint {
namespace {

constexpr std::size_t kMostPorts = 48;  // of one transport

}  // namespace

std::set<std::uint16_t> reflector_ports(const model::Scenario& scenario, measure::Transport transport) {
  std::set<std::uint16_t> ports{kReflectorPort, kReflectorOtherPort, 443, 5349};
  ports.insert(transport == measure::Transport::udp ? 40000 : 80);
  const auto other = transport == measure::Transport::udp ? model::Protocol::tcp : model::Protocol::udp;
  for (const auto& site : scenario.sites) {
    for (const auto& rule : site.egress.value_or(std::vector<model::EgressRule>{})) {
      if (rule.match.protocol == other || rule.match.protocol == model::Protocol::icmp) continue;
      for (const auto& range : rule.match.ports) {
        for (const auto port : {range.first, range.last}) {
          if (port != 0 && ports.size() < kMostPorts) ports.insert(port);
        }
      }
    }
  }
  return ports;
}

std::pair<Address, Address> reflector_addresses(Family family) {
  const auto& addresses = model::world_host("reflector").addresses;
  const auto first = std::ranges::find(addresses, family, &Address::family);
  return {*first, *std::next(first)};
}

}  // namespace crypelab::blueprint
