#pragma once

#include <string>
#include <string_view>

namespace crypelab::evidence {

// The lines of a text that are lines of the NSS key log format: a label, the client's random in 64 hexadecimal digits,
// a secret in hexadecimal digits. Whatever else a client wrote there is left out.
std::string key_log_lines(std::string_view text);

}  // namespace crypelab::evidence
