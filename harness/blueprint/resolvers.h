#pragma once

#include "harness/blueprint/router_rules.h"
#include "harness/services/process.h"

#include <optional>
#include <vector>

namespace crypelab::blueprint {

// What answers a site's questions, at its edge: dnsmasq, which learns the addresses of domains in rules; before it
// unbound, where AAAA records are synthesized; before these the program that makes a resolver slow or broken. Whoever
// comes first has port 53.
std::vector<services::Process> draw_resolvers(const SiteFacts& facts);

// The translator of a site's NAT64, if it has one.
std::optional<services::Process> draw_nat64(const SitePlan& plan);

}  // namespace crypelab::blueprint
