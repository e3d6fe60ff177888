#include "harness/wire/stun_credentials.h"

#include <algorithm>
#include <array>

namespace crypelab::wire {
namespace {

constexpr std::string_view cookie = "obMatJos2";

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// The code point at the front of `text`, which loses it; nothing for malformed UTF-8 (RFC 3629 §3: no overlong forms,
// no surrogates, nothing above U+10FFFF).
std::optional<char32_t> take_code_point(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xC2 ? 0
                           : first < 0xE0 ? 2
                           : first < 0xF0 ? 3
                           : first < 0xF5 ? 4
                                          : 0;
  if (size == 0 || text.size() < size) return std::nullopt;
  static constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  char32_t value = size == 1 ? first : first & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return std::nullopt;
    value = value << 6 | (byte(i) & 0x3fu);
  }
  if (value < least[size] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return std::nullopt;
  text.remove_prefix(size);
  return value;
}

struct Range {
  char32_t first;
  char32_t last;
};

bool in(char32_t value, std::span<const Range> ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& range) { return value >= range.first && value <= range.last; });
}

// General category Zs without U+0020.
constexpr std::array<Range, 6> other_spaces{
    {{0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}}};

// Controls (RFC 8264 §9.12), and default ignorable code points (§9.13) other than the joiners, which have rules of
// their own.
constexpr std::array<Range, 20> forbidden{
    {{0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},     {0x34F, 0x34F},     {0x61C, 0x61C},
     {0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x180B, 0x180F}, {0x200B, 0x200B},   {0x200E, 0x200F},
     {0x2028, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164}, {0xE000, 0xF8FF},   {0xFDD0, 0xFDEF},
     {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFB}, {0xE0000, 0xE0FFF}, {0xF0000, 0x10FFFF}}};

void append_utf8(std::string& text, char32_t value) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(static_cast<std::uint8_t>(byte)); };
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xC0 | value >> 6);
    put(0x80 | (value & 0x3f));
  } else if (value < 0x10000) {
    put(0xE0 | value >> 12);
    put(0x80 | (value >> 6 & 0x3f));
    put(0x80 | (value & 0x3f));
  } else {
    put(0xF0 | value >> 18);
    put(0x80 | (value >> 12 & 0x3f));
    put(0x80 | (value >> 6 & 0x3f));
    put(0x80 | (value & 0x3f));
  }
}

}  // namespace

Result<std::string> opaque_string(std::string_view text) {
  if (text.empty()) return Complaint{"an empty string has no OpaqueString form"};
  std::string prepared;
  prepared.reserve(text.size());
  while (!text.empty()) {
    const auto value = take_code_point(text);
    if (!value) return Complaint{"not UTF-8"};
    const bool non_character = (*value & 0xFFFE) == 0xFFFE;
    if (non_character || in(*value, forbidden)) return Complaint{"a control or invisible character"};
    append_utf8(prepared, in(*value, other_spaces) ? U' ' : *value);
  }
  return prepared;
}

HashValue long_term_key(PasswordAlgorithm algorithm, std::string_view username, std::string_view realm,
                        std::string_view password) {
  const auto colon = bytes_of(":");
  return hash(algorithm == PasswordAlgorithm::sha256 ? Hash::sha256 : Hash::md5,
              {bytes_of(username), colon, bytes_of(realm), colon, bytes_of(password)});
}

HashValue userhash(std::string_view username, std::string_view realm) {
  return hash(Hash::sha256, {bytes_of(username), bytes_of(":"), bytes_of(realm)});
}

std::optional<StunSecurityFeatures> security_features(std::string_view nonce) {
  if (!nonce.starts_with(cookie) || nonce.size() < cookie.size() + 4) return std::nullopt;
  std::uint32_t bits = 0;
  for (const char c : nonce.substr(cookie.size(), 4)) {
    const auto digit = base64_digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
  }
  return StunSecurityFeatures{(bits & 1) != 0, (bits & 2) != 0};
}

std::string nonce_cookie(StunSecurityFeatures features) {
  const std::size_t bits = (features.password_algorithms ? 1u : 0u) | (features.username_anonymity ? 2u : 0u);
  return std::string(cookie) + "AAA" + base64_digits[bits];
}

}  // namespace crypelab::wire
