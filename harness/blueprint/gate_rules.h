#pragma once

#include "harness/blueprint/router_rules.h"
#include "harness/services/gate.h"

#include <cstdint>
#include <string>
#include <vector>

// What rules and gate say to each other. The first bytes of a connection are judged in user space; once they are, the
// connection's mark says it, and the kernel does the rest alone. A packet's mark says to the gate which policy it is
// under and whether it came in, and to the rules, on its second way through them, what was decided (gate/border.h).
namespace crypelab::blueprint {

inline constexpr std::uint16_t kGateQueue = 0;

// Whether any list that the border ever has asks for the gate.
bool needs_gate(const SiteFacts& facts);
// Where packets wait for the gate. Its only rule of ours drops: what comes while the gate's own rule is not there, or
// the gate itself is not, stays here.
RuleChain gate_chain();
// The gate's number for a rule, counted from 1, of a list.
unsigned gate_number(unsigned generation, std::size_t rule);
services::GateSettings gate_settings(const SiteFacts& facts);

// The body of such a rule. `hit` and `over` are the statements that count what matches, and what of it is stopped.
std::vector<std::string> gate_body(const model::FirstBytes& action, unsigned policy, bool inbound,
                                   const std::string& hit, const std::string& over);

}  // namespace crypelab::blueprint
