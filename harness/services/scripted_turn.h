#pragma once

#include "harness/model/turn.h"
#include "harness/services/process.h"

#include <string>
#include <string_view>
#include <vector>

// The TURN server of ours that misbehaves on request (crypelab-faults turn), in the place of coturn.
namespace crypelab::services {

// Addresses, ports, credentials and certificate are those that coturn would have there.
Process scripted_turn(const std::string& host, const model::TurnServer& settings, const model::TurnAccess& access,
                      const std::vector<std::string>& users);

// Its journal has one JSON object a line; kinds and fields are its own: request {client, server, transport, method,
// user, integrity, error, answered}, allocation {session, user, client, server, transport, relay, lifetime}, refresh,
// delete, permission, channel, drop, connection, closed, handshake-failed.
std::vector<model::Event> read_scripted_turn_log(std::string_view line);

}  // namespace crypelab::services
