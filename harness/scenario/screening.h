#pragma once

#include "harness/scenario/problem.h"
#include "harness/scenario/source.h"

namespace crypelab::scenario {

// Looks at the bytes before any parser does: size, lines, UTF-8 (RFC 3629), control characters, tabs, invisible
// characters that reorder text, and brackets opened by the hundred. True when the text is fit to be parsed.
bool screen(const Source& source, Problems& problems);

}  // namespace crypelab::scenario
