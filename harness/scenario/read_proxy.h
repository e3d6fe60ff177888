#pragma once

#include "harness/model/network.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

namespace crypelab::scenario {

// `proxy` and `proxies` of a site; either may be nullptr.
void read_proxies(const Node* proxy, const Node* proxies, model::Site& site, Problems& problems);

}  // namespace crypelab::scenario
