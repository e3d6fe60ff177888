#pragma once

#include "harness/base/units.h"

#include <string>
#include <vector>

// What a scenario may say about the TURN servers of the standard world.
namespace crypelab::model {

// What a TURN server asks of its users: a name and password that stay (RFC 8489 section 9.2), or such as the signaling
// server hands out, which expire (draft-uberti-behave-turn-rest-00).
enum class TurnCredentials { time_limited, long_term };

struct TurnAccess {
  TurnCredentials credentials = TurnCredentials::time_limited;
  Duration credential_life = std::chrono::hours(1);  // of time-limited ones
  bool operator==(const TurnAccess&) const = default;
};

enum class ServerCertificate { valid, expired, wrong_name, untrusted };
enum class ServerState { up, stopped, silent };  // stopped: ports are closed; silent: nothing is ever answered

struct TurnServer {
  ServerState state = ServerState::up;
  unsigned quota = 0;                           // allocations that one user may have at once; 0: any number
  Duration nonce_life = std::chrono::hours(1);  // then 438 (Stale Nonce)
  std::string alternate;                        // another TURN server: every Allocate is answered 300 (Try Alternate)
  ServerCertificate certificate = ServerCertificate::valid;
  bool operator==(const TurnServer&) const = default;
};

// The world's own part of a scenario.
struct World {
  TurnAccess turn_access;
  TurnServer turn_a;
  TurnServer turn_b;
  bool operator==(const World&) const = default;
};

// The URIs of the standard service set (networks.md, section 1), a before b.
const std::vector<std::string>& standard_ice_urls();

}  // namespace crypelab::model
