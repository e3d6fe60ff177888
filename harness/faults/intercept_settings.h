#pragma once

#include "harness/base/address.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::faults {

// What the box is told that opens TLS at a site's edge.
struct InterceptSettings {
  std::vector<Endpoint> listen;  // connections come here by a rule that redirects them
  std::string certificate;       // PEM files of the authority that signs anew
  std::string key;
  std::string trusted;              // PEM file of the authorities whose servers are opened; empty: all are
  std::vector<std::string> exempt;  // server names that pass as they are; "*.x" covers all below x
  bool http_only = false;           // what is inside must begin with an HTTP request
  // For each of: a ClientHello, a connection, a handshake, the first request where it must be HTTP.
  std::chrono::milliseconds patience{10'000};
  bool operator==(const InterceptSettings&) const = default;
};

// From JSON with these names. Throws Failure{data} that says what is wrong.
InterceptSettings parse_intercept(std::string_view json);

// Whether a server of that name passes as it is, without regard to case and to a dot at the end.
bool is_exempt(const InterceptSettings& settings, std::string_view name);

}  // namespace crypelab::faults
