#pragma once

#include <string>
#include <string_view>

namespace crypelab::evidence {

// `text` with every byte that is no part of a well-formed sequence (RFC 3629 section 4) replaced by U+FFFD.
std::string well_formed(std::string_view text);

}  // namespace crypelab::evidence
