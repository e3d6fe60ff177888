#pragma once

#include "harness/gate/gate.h"

#include <string>

namespace crypelab::gate {

// One line of JSON, without its end, as services/gate.h reads it: {"event": "decision", ...}.
std::string log_line(const Decision& decision);

}  // namespace crypelab::gate
