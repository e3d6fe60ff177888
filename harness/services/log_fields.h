#pragma once

#include <map>
#include <string>
#include <string_view>

namespace crypelab::services {

// "key=value key=value" of a log that we have laid out, for programs that write no JSON: values unescaped (RFC 3986
// section 2.1; a "%" that begins nothing stands for itself) and at most 4096 bytes long. A value that is empty or "-"
// is not there.
using LogFields = std::map<std::string_view, std::string, std::less<>>;
LogFields log_fields(std::string_view line);

}  // namespace crypelab::services
