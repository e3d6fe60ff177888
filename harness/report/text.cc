#include "harness/report/record.h"

namespace crypelab::report {
namespace {

// How many bytes the UTF-8 sequence at the beginning has (RFC 3629 section 4); 0: it is none.
std::size_t sequence(std::string_view from) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(from[i]); };
  const auto follows = [&](std::size_t i) { return i < from.size() && (byte(i) & 0xC0U) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!follows(1) || !follows(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;                      // surrogates
    if (first == 0xEF && byte(1) == 0xBF && byte(2) >= 0xBE) return 0;  // no characters (XML 1.0, section 2.2)
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

std::string text(std::string_view from) {
  constexpr std::string_view replacement = "\xEF\xBF\xBD";
  std::string out;
  out.reserve(from.size());
  while (!from.empty()) {
    const auto size = sequence(from);
    const auto first = static_cast<unsigned char>(from.front());
    if (size == 1 && (first == '\n' || first == '\r' || first == '\t')) {
      out += ' ';
    } else if (size == 0 || (size == 1 && (first < 0x20 || first == 0x7F))) {
      out += replacement;
    } else if (size == 2 && first == 0xC2 && static_cast<unsigned char>(from[1]) < 0xA0) {
      out += replacement;  // C1 control characters, which terminals obey
    } else {
      out.append(from.substr(0, size));
    }
    from.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

}  // namespace crypelab::report
