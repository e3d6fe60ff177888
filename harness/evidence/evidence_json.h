#pragma once

#include "harness/evidence/attempt.h"

#include <string>
#include <string_view>

namespace crypelab::evidence {

// Reads what encode() has written, line by line: a file of any length needs no more memory than its events. `name`
// stands for the file in messages. Throws Failure{data}, "NAME:LINE: what is wrong".
Attempt decode(std::string_view text, const std::string& name);

}  // namespace crypelab::evidence
