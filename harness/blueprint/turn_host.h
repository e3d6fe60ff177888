#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/blueprint/rule_table.h"

#include <string>
#include <vector>

// The rules of a TURN server's host. coturn takes plain TURN on its TLS ports: here a connection to such a port is
// reset unless its first byte is that of a TLS handshake record, so that an allocation made there proves TLS. Over UDP
// these ports are closed, as the standard world says. A silent server hears nothing.
namespace crypelab::blueprint {

RuleTable turn_table(const std::string& host, const model::TurnServer& server);
std::vector<Counter> turn_counters(const std::string& host, const model::TurnServer& server);

}  // namespace crypelab::blueprint
