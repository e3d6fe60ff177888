#pragma once

#include "harness/model/socks.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

#include <optional>

namespace crypelab::scenario {

std::optional<model::Socks> read_socks(const Node& node, Problems& problems);

}  // namespace crypelab::scenario
