#include "clients/reference/event/line.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace crypelab::client::event {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// How many bytes the well-formed sequence at the beginning has (RFC 3629 §4); 0 when there is none.
std::size_t sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(text[i])); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xC2 && first <= 0xDF   ? 2
                           : (first & 0xF0) == 0xE0         ? 3
                           : first >= 0xF0 && first <= 0xF4 ? 4
                                                            : 0;
  if (size == 0 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return size;
}

std::string redacted(std::string_view value, const std::vector<std::string>& secrets) {
  std::string text(value);
  for (const auto& secret : secrets) {
    if (secret.size() < 4) continue;
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
      text.replace(at, secret.size(), "[secret]");
      at += 8;
    }
  }
  return text;
}

}  // namespace

void Line::begin(std::string_view name) {
  if (out_.back() != '{') out_ += ',';
  quote(name);
  out_ += ':';
}

void Line::quote(std::string_view value) {
  out_ += '"';
  for (std::size_t at = 0; at < value.size();) {
    if (at >= longest_text) {
      out_ += "...";
      break;
    }
    const auto size = sequence(value.substr(at));
    const char c = value[at];
    if (size == 0) {
      out_ += replacement;
      ++at;
    } else if (size > 1) {
      out_ += value.substr(at, size);
      at += size;
    } else {
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
        out_ += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      } else {
        out_ += c;
      }
      ++at;
    }
  }
  out_ += '"';
}

Line& Line::text(std::string_view name, std::string_view value) {
  begin(name);
  quote(redacted(value.substr(0, 2 * longest_text), secrets_));
  return *this;
}

Line& Line::integer(std::string_view name, std::int64_t value) {
  begin(name);
  out_ += std::to_string(value);
  return *this;
}

Line& Line::decimal(std::string_view name, double value) {
  begin(name);
  out_ += std::isfinite(value) ? fmt::format("{:.3f}", value) : "null";
  return *this;
}

Line& Line::truth(std::string_view name, bool value) {
  begin(name);
  out_ += value ? "true" : "false";
  return *this;
}

Line& Line::list(std::string_view name, const std::vector<std::string>& values) {
  begin(name);
  out_ += '[';
  for (const auto& value : values) {
    if (out_.back() != '[') out_ += ',';
    quote(redacted(value, secrets_));
  }
  out_ += ']';
  return *this;
}

Line& Line::open(std::string_view name) {
  begin(name);
  out_ += '{';
  return *this;
}

Line& Line::close() {
  out_ += '}';
  return *this;
}

std::string Line::finish() && {
  out_ += "}\n";
  return std::move(out_);
}

}  // namespace crypelab::client::event
