#pragma once

#include "harness/judge/connection.h"

namespace crypelab::judge {

// What is told of each client of the scenario, beside the verdicts.
std::vector<model::ClientResult> results_of(const Scene& scene, const Connection& connection);

}  // namespace crypelab::judge
