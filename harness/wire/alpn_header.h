#pragma once

#include "harness/base/result.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::wire {

// The ALPN field of a CONNECT request (RFC 7639 §2): what the tunnel will carry, identifiers of 1 to 255 arbitrary
// bytes.
std::string alpn_header(std::span<const std::string> identifiers);
// Strict: an octet that needs no encoding but is encoded, or lower-case digits, are refused (§2.2).
Result<std::vector<std::string>> parse_alpn_header(std::string_view field);

}  // namespace crypelab::wire
