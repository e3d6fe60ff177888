#pragma once

#include "harness/base/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the gate is told: one policy for each rule of the border that asks for a look at the first bytes.
namespace crypelab::gate {

struct Policy {
  std::string name;   // of the rule, for the log: "office egress 1"
  bool tls = false;   // a flow may begin with a TLS ClientHello
  bool http = false;  // a flow may begin with the head of an HTTP/1 request
  bool name_required = false;
  std::optional<std::vector<std::string>> names;  // server names that may be asked for; "*.x" covers all below x
  std::vector<std::string> protocols;             // ALPN: nothing else may be offered; empty: anything
  enum class Otherwise { drop, reset, pass } otherwise = Otherwise::drop;  // pass: the rules go on counting it
};

struct Configuration {
  std::uint16_t queue = 0;
  std::map<std::uint32_t, Policy> policies;  // by the number that the rules put into a packet's mark
};

// JSON, as services/gate.h writes it.
Result<Configuration> parse_configuration(std::string_view json);

// Whether `name` is one of `names`, without regard to case; a name that ends in a dot is the same without it.
bool covers(const std::vector<std::string>& names, std::string_view name);

}  // namespace crypelab::gate
