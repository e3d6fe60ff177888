#pragma once

#include "harness/model/proxy.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

#include <vector>

namespace crypelab::scenario {

// Names with their passwords: {alice: wonderland}.
std::vector<model::ProxyUser> read_users(const Node& node, Problems& problems);

}  // namespace crypelab::scenario
