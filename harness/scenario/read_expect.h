#pragma once

#include "harness/model/scenario.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

#include <vector>

namespace crypelab::scenario {

// What stands under `expect:`; sites, clients and work of the scenario are there already.
std::vector<model::Expectation> read_expect(const Node& node, const model::Scenario& scenario, Problems& problems);

}  // namespace crypelab::scenario
