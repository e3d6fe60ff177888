#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace crypelab::wire {

// "21 12 a4 42" -> bytes; anything but hexadecimal digits is skipped.
inline std::vector<std::uint8_t> from_hex(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  unsigned value = 0;
  bool half = false;
  for (const char c : text) {
    const std::string_view digits = "0123456789abcdef";
    const auto digit = digits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
    if (digit == std::string_view::npos) continue;
    value = value << 4 | static_cast<unsigned>(digit);
    if (half) bytes.push_back(static_cast<std::uint8_t>(value & 0xff));
    half = !half;
  }
  return bytes;
}

}  // namespace crypelab::wire
