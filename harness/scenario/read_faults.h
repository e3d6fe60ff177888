#pragma once

#include "harness/model/proxy.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

namespace crypelab::scenario {

// `faults` of a proxy. `proxy_node` is the whole proxy, for what does not go together with faults.
void read_faults(const Node& node, const Node& proxy_node, model::Proxy& proxy, Problems& problems);

// A proxy with a lifetime and without faults: Squid's client_lifetime spares a tunnel in which something moves
// (measured), so the proxy is one of our own, without any fault.
void read_lifetime_of_tunnels(const Node& proxy_node, model::Proxy& proxy, Problems& problems);

}  // namespace crypelab::scenario
