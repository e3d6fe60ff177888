#include "harness/evidence/utf8.h"

#include <cstdint>

namespace crypelab::evidence {
namespace {

// The length of the well-formed sequence at `at` (RFC 3629 section 4), or 0.
std::size_t sequence(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const auto first = byte(at);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(at + 1) ? 2 : 0;
  const auto second = byte(at + 1);
  if (first >= 0xe0 && first <= 0xef) {
    const bool legal = tail(at + 1) && !(first == 0xe0 && second < 0xa0) && !(first == 0xed && second > 0x9f);
    return legal && tail(at + 2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool legal = tail(at + 1) && !(first == 0xf0 && second < 0x90) && !(first == 0xf4 && second > 0x8f);
    return legal && tail(at + 2) && tail(at + 3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string well_formed(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto length = sequence(text, i);
    out += length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(i, length);
    i += length == 0 ? 1 : length;
  }
  return out;
}

}  // namespace crypelab::evidence
