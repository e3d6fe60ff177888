#pragma once

#include "harness/model/pac.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

#include <optional>

namespace crypelab::scenario {

// A PAC file is looked for beside the file that names it.
std::optional<model::Pac> read_pac(const Node& node, Problems& problems);

}  // namespace crypelab::scenario
