#pragma once

#include "harness/model/job.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/read_value.h"
#include "harness/scenario/tree.h"

#include <vector>

namespace crypelab::scenario {

// What a client's words say about the program under test; its place in the network is read_client's.
model::Job read_job(const Mapping& client, Problems& problems);

// What stands under `work:`, the phases of a call in their order.
std::vector<model::Phase> read_work(const Node& node, Problems& problems);

}  // namespace crypelab::scenario
