#pragma once

#include "harness/model/network.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

#include <vector>

namespace crypelab::scenario {

// What stands under `egress:`: the ordered rules of a site's border.
std::vector<model::EgressRule> read_egress(const Node& node, Problems& problems);

// What stands inside the braces of a rule.
model::Match read_match(const Node& node, Problems& problems);

}  // namespace crypelab::scenario
