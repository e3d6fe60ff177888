#pragma once

#include "harness/model/network.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

#include <string>

namespace crypelab::scenario {

// One site. `index` counts from 0 in the order of the file: a site without a subnet gets its default by it.
model::Site read_site(const std::string& name, const Node& node, unsigned index, Problems& problems);

}  // namespace crypelab::scenario
