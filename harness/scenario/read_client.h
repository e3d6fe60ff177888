#pragma once

#include "harness/model/scenario.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

#include <string>
#include <string_view>
#include <vector>

namespace crypelab::scenario {

// One client; `sites` are the names it may sit in.
model::Client read_client(const std::string& name, const Node& node, const std::vector<std::string_view>& sites,
                          Problems& problems);

}  // namespace crypelab::scenario
