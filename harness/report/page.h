#pragma once

namespace crypelab::report {

// The page around the data: what stands before the embedded JSON, and the program behind it that draws it.
extern const char* const kPageHead;
extern const char* const kPageTail;

}  // namespace crypelab::report
