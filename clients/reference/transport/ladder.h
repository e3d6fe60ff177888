#pragma once

#include "clients/reference/misbehaviour.h"
#include "clients/reference/time.h"
#include "clients/reference/transport/ice_server.h"

#include <string>
#include <vector>

namespace crypelab::client::transport {

// One way to try, and how long after the beginning.
struct PlannedRung {
  IceUri uri;
  std::string username;
  std::string credential;
  Duration delay{0};
};

// The order in which TURN transports are tried: UDP, then TCP, then TLS, each kind `head_start` after the one before,
// and half of that between two of a kind (RFC 8656 §3.9, U-03). `udp` false leaves out what no proxy carries.
std::vector<PlannedRung> plan_ladder(const std::vector<IceServer>& servers, bool udp, Duration head_start,
                                     const Misbehaviour& misbehaviour);

// The servers to ask for server-reflexive addresses: those of STUN URIs, or of TURN URIs over UDP if there are none
// (RFC 8445 §5.1.1.2).
std::vector<IceUri> reflexive_servers(const std::vector<IceServer>& servers);

}  // namespace crypelab::client::transport
