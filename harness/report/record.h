#pragma once

#include "harness/model/verdict.h"

#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace crypelab::report {

// Text for JSON and XML, whatever a client wrote: control characters and what is no UTF-8 become U+FFFD; line breaks
// become spaces.
std::string text(std::string_view from);

// An attempt as it stands in run.json.
boost::json::object record_of(const model::Judgement& judgement);
boost::json::array timeline_of(const model::Judgement& judgement);

}  // namespace crypelab::report
