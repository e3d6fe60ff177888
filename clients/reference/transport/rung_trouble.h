#pragma once

#include "clients/reference/transport/ice_server.h"
#include "clients/reference/transport/problem.h"
#include "clients/reference/turn/refusal.h"

#include <optional>
#include <string>

namespace crypelab::client::transport {

// What became of a connection to a TURN server over which no answer ever came.
struct SilentEnd {
  bool answered = false;  // one STUN message at least was the server's
  bool page = false;      // what came was HTTP
  std::string fault;      // why the bytes were no TURN, if they were not
};

// What a refusal means for the person who wants to know why there is no relay. `where` names host, address and port.
Trouble trouble_of(const turn::Refusal& refusal, const IceUri& uri, const std::string& where, const SilentEnd& end);

}  // namespace crypelab::client::transport
