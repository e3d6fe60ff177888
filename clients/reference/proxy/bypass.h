#pragma once

#include "harness/base/address.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::client::proxy {

// `proxyBypassRules` of session.setProxy(), which are Chromium's: patterns of hosts with scheme and port ("*.x.test",
// "https://x.*.y.test:99", ".x.test"), address literals, prefixes ("10.0.0.0/8"), "<local>" for names without a dot,
// "<-loopback>" to take back what goes directly unasked: localhost, loopback and link-local addresses.
class Bypass {
 public:
  // Complains about the first rule that is none. Separated by comma or semicolon.
  static Result<Bypass> parse(std::string_view text);
  // The environment's no_proxy: names stand for all that end in them, "*" for everything. What is no rule is left out.
  static Bypass parse_no_proxy(std::string_view text);

  // Whether to go directly. `host` is a name or an address without brackets.
  bool matches(std::string_view scheme, std::string_view host, std::uint16_t port) const;

 private:
  struct Rule {
    std::string scheme;   // empty: any
    std::string pattern;  // in lower case, with "*"; empty: by `prefix`, or `local`
    std::optional<Prefix> prefix;
    std::optional<std::uint16_t> port;
    bool local = false;
  };
  static Result<Rule> parse_rule(std::string_view text);

  std::vector<Rule> rules_;
  bool implicit_ = true;
};

// Whether `text` is the pattern, whose "*" stand for any characters, none among them. In linear space and
// pattern * text time at most.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace crypelab::client::proxy
