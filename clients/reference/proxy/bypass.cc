#include "clients/reference/proxy/bypass.h"

#include "clients/reference/ice/priority.h"
#include "harness/wire/text.h"

#include <algorithm>

namespace crypelab::client::proxy {
namespace {

constexpr std::size_t most_rules = 1'000;

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), wire::lower);
  return out;
}

bool goes_directly_unasked(std::string_view host, const std::optional<Address>& address) {
  if (!address) {
    return wire::equal_ignoring_case(host, "localhost") || lowered(host).ends_with(".localhost");
  }
  static const Prefix link_local_v4 = *parse_prefix("169.254.0.0/16");
  static const Prefix link_local_v6 = *parse_prefix("fe80::/10");
  return ice::is_loopback(*address) || link_local_v4.contains(*address) || link_local_v6.contains(*address);
}

std::string_view take_entry(std::string_view& text) {
  const auto end = std::min(text.find_first_of(",;"), text.size());
  const auto entry = wire::trim_blanks(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return entry;
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  // The last star takes one character more whenever the rest does not fit.
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Result<Bypass::Rule> Bypass::parse_rule(std::string_view text) {
  const auto bad = [&](const char* why) {
    return Complaint{"'" + std::string(text.substr(0, 80)) + "' is no bypass rule: " + why};
  };
  Rule rule;
  auto rest = text;
  if (lowered(rest) == "<local>") {
    rule.local = true;
    return rule;
  }
  if (const auto at = rest.find("://"); at != std::string_view::npos) {
    rule.scheme = lowered(rest.substr(0, at));
    rest.remove_prefix(at + 3);
    if (rule.scheme.empty()) return bad("no scheme before '://'");
  }
  if (rest.size() > 255) return bad("too long");
  if (rest.find('/') != std::string_view::npos) {
    const auto prefix = parse_prefix(rest);
    if (!prefix) return bad("address/length is meant");
    if (!rule.scheme.empty()) return bad("a prefix has no scheme");
    rule.prefix = *prefix;
    return rule;
  }
  // A port behind the last colon, unless the colons are those of an address without brackets.
  const bool bracketed = rest.starts_with('[');
  const auto colon = rest.rfind(':');
  const bool bare_v6 = !bracketed && std::count(rest.begin(), rest.end(), ':') > 1;
  if (colon != std::string_view::npos && !bare_v6 && !(bracketed && rest.find(']') > colon)) {
    const auto port = wire::parse_decimal(rest.substr(colon + 1), 65'535);
    if (!port) return bad("a port of 0 to 65535 is meant");
    rule.port = static_cast<std::uint16_t>(*port);
    rest = rest.substr(0, colon);
  }
  if (bracketed) {
    if (!rest.ends_with(']')) return bad("a bracket is open");
    rest = rest.substr(1, rest.size() - 2);
  }
  if (const auto address = parse_address(rest)) {
    rule.prefix = Prefix{*address, address->bits()};
    return rule;
  }
  if (bracketed) return bad("no address in brackets");
  if (rest.empty()) return bad("no host");
  for (const char c : rest) {
    if (!wire::is_alpha(c) && !wire::is_digit(c) && std::string_view("*.-_").find(c) == std::string_view::npos) {
      return bad("a host has letters, digits, '.', '-', '_' and '*'");
    }
  }
  rule.pattern = rest.starts_with('.') ? "*" + lowered(rest) : lowered(rest);
  return rule;
}

Result<Bypass> Bypass::parse(std::string_view text) {
  Bypass bypass;
  while (!text.empty()) {
    const auto entry = take_entry(text);
    if (entry.empty()) continue;
    if (lowered(entry) == "<-loopback>") {
      bypass.implicit_ = false;
      continue;
    }
    auto rule = parse_rule(entry);
    if (!rule) return Complaint{rule.complaint()};
    if (bypass.rules_.size() == most_rules) return Complaint{"more than 1,000 bypass rules"};
    bypass.rules_.push_back(std::move(*rule));
  }
  return bypass;
}

Bypass Bypass::parse_no_proxy(std::string_view text) {
  Bypass bypass;
  while (!text.empty()) {
    auto entry = wire::trim_blanks(take_entry(text));
    const bool plain = entry.find('/') == std::string_view::npos && !parse_address(entry) && !entry.starts_with('[');
    auto rule = parse_rule(entry);
    if (!rule || bypass.rules_.size() == most_rules) continue;
    // "example.test" stands for itself and what ends in it.
    if (plain && !rule->pattern.empty() && !rule->pattern.starts_with('*')) {
      Rule below = *rule;
      below.pattern = "*." + below.pattern;
      bypass.rules_.push_back(std::move(below));
    }
    bypass.rules_.push_back(std::move(*rule));
  }
  return bypass;
}

bool Bypass::matches(std::string_view scheme, std::string_view host, std::uint16_t port) const {
  const auto literal = parse_address(host);
  const auto address = literal ? std::optional(*literal) : std::nullopt;
  if (implicit_ && goes_directly_unasked(host, address)) return true;
  auto name = lowered(host);
  if (name.ends_with('.')) name.pop_back();
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
    if (!rule.scheme.empty() && rule.scheme != scheme) return false;
    if (rule.port && *rule.port != port) return false;
    if (rule.local) return !address && name.find('.') == std::string::npos;
    if (rule.prefix)
      return address && address->family() == rule.prefix->address.family() && rule.prefix->contains(*address);
    return matches_pattern(rule.pattern, name);
  });
}

}  // namespace crypelab::client::proxy
