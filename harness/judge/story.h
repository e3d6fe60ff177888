#pragma once

#include "harness/judge/connection.h"

namespace crypelab::judge {

// What happened, as a person would tell it: from the clients' first packets to the end, in order of time.
std::vector<model::StoryLine> story_of(const Scene& scene, const Connection& connection);

// Everything that anybody said, a line each; of more than `most`, the first and the last ones.
std::vector<model::StoryLine> timeline_of(const Scene& scene, std::size_t most);

}  // namespace crypelab::judge
