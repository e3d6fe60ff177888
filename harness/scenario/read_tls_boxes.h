#pragma once

#include "harness/model/network.h"
#include "harness/scenario/problem.h"
#include "harness/scenario/tree.h"

#include <optional>

namespace crypelab::scenario {

std::optional<model::TlsInspection> read_tls_inspection(const Node& node, Problems& problems);
std::optional<model::TlsRelay> read_tls_relay(const Node& node, Problems& problems);
// A connection is taken by one box alone; `node` is that of the site.
void check_takers(const Node& node, const model::Site& site, Problems& problems);

}  // namespace crypelab::scenario
