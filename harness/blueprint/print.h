#pragma once

#include "harness/blueprint/blueprint.h"

#include <string>

namespace crypelab::blueprint {

// Everything that the lab would bring up, as text for a person: hosts, cables, programs, counters, steps.
std::string as_text(const Blueprint& blueprint);

// The rule sets alone, each under a comment with its host's name: what nft is given.
std::string as_rules(const Blueprint& blueprint);

// The topology for Graphviz.
std::string as_graphviz(const Blueprint& blueprint);

}  // namespace crypelab::blueprint
