#pragma once

#include "harness/blueprint/declared.h"
#include "harness/lab/lab.h"
#include "harness/lab/measurer.h"

#include <vector>

namespace crypelab::lab {

// Measures a lab's own network from inside each site and compares it with what the scenario declares. Nothing else may
// use the lab meanwhile: a client's packets would move the counters. Throws Failure when the measuring program is
// missing or does not answer.
std::vector<blueprint::Row> measure(Lab& lab, const model::Scenario& scenario, blueprint::Form form);
// The same with a far side that is there already (start_reflector()).
std::vector<blueprint::Row> measure(Lab& lab, const model::Scenario& scenario, blueprint::Form form,
                                    Measurer& reflector);

}  // namespace crypelab::lab
