#pragma once

#include "harness/judge/scene.h"

namespace crypelab::judge {

// An allocation, as a TURN server's log tells of it.
struct TurnSession {
  std::string server;  // "turn-a"
  std::int64_t number = 0;
  std::string client;  // by its user name: "1700003600:alice" and "alice" are alice's
  bool tls = false;
  Moment allocated{0};
  std::optional<Moment> deleted;
};
std::vector<TurnSession> turn_sessions(const Scene& scene);

// Whose user name it is at a TURN server.
std::string client_of_user(std::string_view user);

}  // namespace crypelab::judge
