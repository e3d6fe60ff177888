#pragma once

#include "harness/model/first_bytes.h"
#include "harness/services/process.h"

#include <cstdint>
#include <string>
#include <vector>

// crypelab-gate, ours: looks at the first bytes of connections for the border's rules.
namespace crypelab::services {

struct GatePolicy {
  unsigned number = 0;  // that the rules put into the mark of a packet
  std::string name;     // for events: "office/egress_1", as the rule's counters are named
  model::FirstBytes action;
};

struct GateSettings {
  std::string name;  // of the process
  std::string host;
  std::uint16_t queue = 0;
  std::vector<GatePolicy> policies;
};
Process gate(const GateSettings& settings);

// A decision of the gate, kind "decision": rule, client, server, verdict ("pass", "drop", "reset", "fall-silent", or
// "none" when the connection ended first), reason, sni, alpn, tls13, bytes, segments, us, beginning, looks-like.
std::vector<model::Event> read_gate_log(std::string_view line);

}  // namespace crypelab::services
