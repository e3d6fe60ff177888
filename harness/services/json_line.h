#pragma once

#include "harness/model/event.h"

#include <string_view>
#include <vector>

namespace crypelab::services {

// A line of one of our own programs: a JSON object whose "event" is `kind` becomes an event with its other members as
// fields; of lists the items joined by ", ". Anything else gives nothing.
std::vector<model::Event> read_json_line(std::string_view line, model::Source source, std::string_view kind);

}  // namespace crypelab::services
