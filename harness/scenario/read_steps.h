#pragma once

#include "harness/model/scenario.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

#include <vector>

namespace crypelab::scenario {

// What stands under `steps:`, by time, what is simultaneous in the order of the file. `scenario` holds sites and
// clients.
std::vector<model::Step> read_steps(const Node& node, const model::Scenario& scenario, Problems& problems);

}  // namespace crypelab::scenario
