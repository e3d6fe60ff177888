#pragma once

#include "harness/wire/bytes.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::wire {

// RFC 4648 §4, with padding.
std::string to_base64(Bytes bytes);
// Nothing for other characters, wrong padding, or bits that do not count set.
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);

}  // namespace crypelab::wire
