#pragma once

#include "harness/model/event.h"

#include <optional>
#include <string_view>
#include <vector>

namespace crypelab::services {

// A line of a log of ours, {"event": "KIND", "name": value, ...}, as an event: texts, whole numbers, numbers and truth
// values become fields in their order, of lists the items joined by ", ". "t", the program's own clock, and objects are
// left out. nullopt: it is no such line, or longer than 64 KiB.
std::optional<model::Event> event_of_json_line(std::string_view line, model::Source source);

// The same as a list of one or none; with `kind`, of that kind alone.
std::vector<model::Event> read_json_line(std::string_view line, model::Source source, std::string_view kind = {});

}  // namespace crypelab::services
