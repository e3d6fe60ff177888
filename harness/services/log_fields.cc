#include "harness/services/log_fields.h"

#include <algorithm>

namespace crypelab::services {
namespace {

constexpr std::size_t kLongestValue = 4096;

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 section 2.1; a "%" that begins nothing stands for itself.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && nibble(text[i + 1]) >= 0 && nibble(text[i + 2]) >= 0) {
      out += static_cast<char>(nibble(text[i + 1]) * 16 + nibble(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
    if (out.size() == kLongestValue) break;
  }
  return out;
}

}  // namespace

LogFields log_fields(std::string_view line) {
  LogFields fields;
  while (!line.empty()) {
    const auto end = std::min(line.find(' '), line.size());
    const auto pair = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    if (auto value = unescaped(pair.substr(equals + 1)); !value.empty() && value != "-")
      fields.emplace(pair.substr(0, equals), std::move(value));
  }
  return fields;
}

}  // namespace crypelab::services
