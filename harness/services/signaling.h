#pragma once

#include "harness/model/signaling.h"
#include "harness/model/turn.h"
#include "harness/services/process.h"

#include <string>
#include <string_view>
#include <vector>

// The signaling server on the world's host for it: the reference one (clients/signaling), or a vendor's own.
namespace crypelab::services {

// wss and https on port 443 of its host. The token of client NAME is the secret "token-NAME"; TURN credentials are made
// with the secret "turn" unless `access` says that they are long-term ones, which it does not know.
//
// A vendor's program finds the same configuration, and no more is known of it than that it answers TLS when it is
// ready.
Process signaling(const std::string& host, const model::Signaling& settings, const model::TurnAccess& access,
                  const std::vector<std::string>& clients);

// Its log has one JSON object a line (a vendor's may: other lines say nothing): kinds and fields are its own (ready,
// join, message, close, reject, poll, ice-servers, drop, expire, end).
std::vector<model::Event> read_signaling_log(std::string_view line);

}  // namespace crypelab::services
