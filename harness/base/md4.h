#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace crypelab {

// RFC 1320, for NTLM (MS-NLMP section 3.3.1) and nothing else: OpenSSL has it only where a legacy provider is
// installed.
std::array<std::uint8_t, 16> md4(std::string_view bytes);

}  // namespace crypelab
