#pragma once

#include "harness/model/scenario.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

namespace crypelab::scenario {

// What no single value can show: overlapping subnets, a NAT without IPv4, a subnet too small for its clients, unused
// sites, names used twice. `root` is the file that `scenario` was read from.
void check_meaning(const model::Scenario& scenario, const Node& root, Problems& problems);

}  // namespace crypelab::scenario
