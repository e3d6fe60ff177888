#pragma once

#include "harness/model/network.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

#include <optional>

namespace crypelab::scenario {

// What stands under `uplink:`. What it does not say stays as in `before`: the defaults, or, in a step, how things were.
model::Uplink read_uplink(const Node& node, const model::Uplink& before, Problems& problems);

// "1%", {share, seed}, {share, burst, seed} or {packets}.
std::optional<model::Loss> read_loss(const Node& node, Problems& problems);

}  // namespace crypelab::scenario
