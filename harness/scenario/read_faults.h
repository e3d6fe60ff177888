#pragma once

#include "harness/model/proxy.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

namespace crypelab::scenario {

// `faults` of a proxy. `proxy_node` is the whole proxy, for what does not go together with faults.
void read_faults(const Node& node, const Node& proxy_node, model::Proxy& proxy, Problems& problems);

}  // namespace crypelab::scenario
