#pragma once

#include "harness/blueprint/blueprint.h"

#include <string>

namespace crypelab::blueprint {

// The topology as one self-contained SVG: the world above, the internet as a bar, a column for each site below it with
// its border in the words of the scenario. Readable in light and dark surroundings. Deterministic.
std::string as_svg(const model::Scenario& scenario, const Blueprint& blueprint);

}  // namespace crypelab::blueprint
