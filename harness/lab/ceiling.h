#pragma once

#include "harness/blueprint/ceiling.h"
#include "harness/lab/measurer.h"

#include <vector>

namespace crypelab::lab {

struct CeilingFound {
  blueprint::CeilingLeg leg;
  measure::Rated rated;
};

// Measures the legs of a plan, which takes some tenths of a second and all of the machine: nothing else may happen in
// the lab meanwhile. Captures are deaf to it: what the lab floods its own cables with is nobody's evidence, and would
// push out of the rings what is. The reflector is start_reflector()'s. Throws Failure when the measuring program is
// missing or does not answer.
std::vector<CeilingFound> measure_ceilings(Lab& lab, const std::vector<blueprint::CeilingLeg>& legs,
                                           Measurer& reflector);

}  // namespace crypelab::lab
