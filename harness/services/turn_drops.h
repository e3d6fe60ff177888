#pragma once

#include "harness/model/event.h"

#include <vector>

namespace crypelab::services {

// What a TURN server took and did not pass on, by what coturn counts of each session (read_coturn_log): packets of
// peers that did not reach the client, for lack of a permission or because its socket was full (`from_peers`), and of
// the client that reached no peer (`from_client`). One event `dropped` {session, user, from_peers, from_client} for
// each session that has been closed and lost something, at the time and place of its last count. Pure; `events` in the
// order in which they came.
inline constexpr const char* kTurnDropped = "dropped";
std::vector<model::Event> turn_drops(const std::vector<model::Event>& events);

}  // namespace crypelab::services
