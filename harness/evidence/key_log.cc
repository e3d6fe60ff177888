#include "harness/evidence/key_log.h"

#include <algorithm>

namespace crypelab::evidence {
namespace {

constexpr std::size_t kRandom = 64;
constexpr std::size_t kLongestSecret = 256;
constexpr std::size_t kLongestLabel = 64;

bool hexadecimal(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); });
}

bool is_key(std::string_view line) {
  const auto first = line.find(' ');
  if (first == std::string_view::npos || first == 0 || first > kLongestLabel) return false;
  const auto label = line.substr(0, first);
  const auto rest = line.substr(first + 1);
  const auto secret = rest.substr(std::min(rest.size(), kRandom + 1));
  return std::ranges::all_of(label,
                             [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }) &&
         rest.size() > kRandom && rest[kRandom] == ' ' && hexadecimal(rest.substr(0, kRandom)) && !secret.empty() &&
         secret.size() <= kLongestSecret && hexadecimal(secret);
}

}  // namespace

std::string key_log_lines(std::string_view text) {
  std::string keys;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    if (is_key(line)) keys += std::string(line) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return keys;
}

}  // namespace crypelab::evidence
