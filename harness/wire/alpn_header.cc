#include "harness/wire/alpn_header.h"

#include "harness/wire/text.h"

#include <fmt/format.h>

namespace crypelab::wire {
namespace {

constexpr std::string_view digits = "0123456789ABCDEF";

bool stands_for_itself(char c) { return is_token_char(c) && c != '%'; }

Result<std::string> decode(std::string_view text) {
  std::string identifier;
  while (!text.empty()) {
    if (text.front() != '%') {
      if (!is_token_char(text.front())) return Complaint{"an ALPN identifier is not a token"};
      identifier += text.front();
      text.remove_prefix(1);
      continue;
    }
    const auto high = text.size() < 3 ? std::string_view::npos : digits.find(text[1]);
    const auto low = text.size() < 3 ? std::string_view::npos : digits.find(text[2]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
      return Complaint{"a percent sign without two upper-case hexadecimal digits"};
    }
    const char c = static_cast<char>(static_cast<unsigned char>(high << 4 | low));
    if (stands_for_itself(c)) return Complaint{"an octet is encoded that stands for itself"};
    identifier += c;
    text.remove_prefix(3);
  }
  if (identifier.empty() || identifier.size() > 255) return Complaint{"an ALPN identifier has 1 to 255 octets"};
  return identifier;
}

}  // namespace

std::string alpn_header(std::span<const std::string> identifiers) {
  std::string field;
  for (const auto& identifier : identifiers) {
    if (!field.empty()) field += ", ";
    for (const char c : identifier) {
      field += stands_for_itself(c) ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return field;
}

Result<std::vector<std::string>> parse_alpn_header(std::string_view field) {
  std::vector<std::string> identifiers;
  while (!field.empty()) {
    const auto comma = std::min(field.find(','), field.size());
    const auto element = trim_blanks(field.substr(0, comma));
    field.remove_prefix(std::min(comma + 1, field.size()));
    if (element.empty()) continue;
    auto identifier = decode(element);
    if (!identifier) return Complaint{identifier.complaint()};
    identifiers.push_back(std::move(*identifier));
  }
  if (identifiers.empty()) return Complaint{"an ALPN field without identifiers"};
  return identifiers;
}

}  // namespace crypelab::wire
