#pragma once

#include "harness/model/turn.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

namespace crypelab::scenario {

// What `signaling`, `turn`, `turn-a` and `turn-b` of the root say about the world's servers: `turn` about both TURN
// servers, the last two about one.
model::World read_world(const Node& root, Problems& problems);

}  // namespace crypelab::scenario
