#pragma once

#include "harness/model/portal.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

#include <optional>

namespace crypelab::scenario {

std::optional<model::Portal> read_portal(const Node& node, Problems& problems);

}  // namespace crypelab::scenario
