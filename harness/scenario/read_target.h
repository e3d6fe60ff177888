#pragma once

#include "harness/model/port_range.h"
#include "harness/scenario/read_value.h"

#include <optional>
#include <string>

// What traffic goes to: ports and domains, as firewalls and proxies name them.
namespace crypelab::scenario {

// "443", "1000-2000".
// One or a list of them.
std::vector<model::PortRange> read_port_list(const Node& node, Problems& problems);
std::optional<model::PortRange> read_ports(const Node& node, Problems& problems);
// In small letters; "*.x" covers all below x. What claims to be of the standard world must be there.
std::optional<std::string> read_domain(const Node& node, Problems& problems);

}  // namespace crypelab::scenario
