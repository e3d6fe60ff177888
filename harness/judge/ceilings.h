#pragma once

#include "harness/judge/scene.h"
#include "harness/model/verdict.h"

#include <string>
#include <vector>

namespace crypelab::judge {

// What the lab itself carried in the directions in which the clients measured their throughput; a direction of which a
// leg was not measured to its end is left out.
std::vector<model::Ceiling> ceilings_of(const Scene& scene);
// Why there is none although throughput was measured; empty when nobody said.
std::string without_ceiling(const Scene& scene);
// The one that a client's "send" or "receive" is to be held against, or nullptr.
const model::Ceiling* ceiling_of(const std::vector<model::Ceiling>& ceilings, const Scene& scene,
                                 const std::string& client, std::string_view direction);

}  // namespace crypelab::judge
