#pragma once

#include "harness/base/units.h"
#include "harness/model/server_certificate.h"
#include "harness/model/signaling.h"

#include <optional>
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

enum class ServerState { up, stopped, silent };  // stopped: ports are closed; silent: nothing is ever answered

// A server of ours stands in for the TURN server, and does with some requests what it is told.
enum class TurnOccasion { any, binding, allocate, refresh, remove, create_permission, channel_bind };
enum class TurnFault {
  bad_integrity,
  no_integrity,
  unknown_required,
  unknown_optional,
  other_family,   // the relayed address is of the family that was not asked for
  uninvited_data  // from a peer without permission
};
struct TurnRule {  // the first one that holds decides about a request whose credentials are right
  TurnOccasion on = TurnOccasion::any;
  unsigned skip = 0;              // so many such requests first go by
  std::optional<unsigned> times;  // then it holds for so many; absent: for all
  unsigned error = 0;             // 300 to 699; 0: the request is granted
  bool silent = false;            // nothing is answered
  std::string alternate;          // the server that a 300 names
  std::optional<Duration> lifetime;
  Duration delay{0};
  std::vector<TurnFault> faults;
  bool operator==(const TurnRule&) const = default;
};
// RFC 8489 section 9.2: the algorithms for passwords that a server announces.
enum class TurnAlgorithms { md5, sha256, bid_down };

struct TurnServer {
  ServerState state = ServerState::up;
  unsigned quota = 0;                           // allocations that one user may have at once; 0: any number
  Duration nonce_life = std::chrono::hours(1);  // then 438 (Stale Nonce)
  std::string alternate;                        // another TURN server: every Allocate is answered 300 (Try Alternate)
  ServerCertificate certificate = ServerCertificate::valid;
  ServerKey key = ServerKey::ecdsa;
  std::vector<TurnRule> script;
  TurnAlgorithms algorithms = TurnAlgorithms::md5;
  std::size_t segment = 0;  // answers over TCP and TLS go in pieces of so many bytes; 0: whole

  // Whether the server of ours is needed: coturn does nothing of this.
  bool scripted() const { return !script.empty() || algorithms != TurnAlgorithms::md5 || segment != 0; }
  bool operator==(const TurnServer&) const = default;
};

// The world's own part of a scenario.
struct World {
  Signaling signaling;
  TurnAccess turn_access;
  TurnServer turn_a;
  TurnServer turn_b;
  bool operator==(const World&) const = default;
};

// The URIs of the standard service set (networks.md, section 1), a before b.
const std::vector<std::string>& standard_ice_urls();

}  // namespace crypelab::model
