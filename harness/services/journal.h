#pragma once

#include "harness/model/event.h"

#include <string_view>
#include <vector>

namespace crypelab::services {

// A line of the log of a program of ours: {"event": KIND, FIELD: text, number or boolean, ...}, as one event of that
// source. Nothing for any other line.
std::vector<model::Event> read_journal(std::string_view line, model::Source source);

}  // namespace crypelab::services
