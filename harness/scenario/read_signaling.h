#pragma once

#include "harness/model/signaling.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

namespace crypelab::scenario {

// What `signaling` of a scenario says about the world's signaling server. Whether a program of somebody else is there
// is seen when the lab comes up: who judges saved evidence need not have it.
model::Signaling read_signaling(const Node& node, Problems& problems);

}  // namespace crypelab::scenario
