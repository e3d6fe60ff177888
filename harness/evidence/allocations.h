#pragma once

#include "harness/model/event.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::evidence {

// An allocation, as a TURN server's log tells of it.
struct Allocation {
  std::string server;  // "turn-a"
  std::int64_t number = 0;
  std::string client;  // by its user name: "1700003600:alice" and "alice" are alice's
  bool tls = false;
  std::chrono::nanoseconds allocated{0};
  std::optional<std::chrono::nanoseconds> ended;  // deleted, expired, or forgotten: the server began anew
};

// In the order in which they were made; `events` in order of time.
std::vector<Allocation> allocations_of(std::span<const model::Event> events);

// Whose user name it is at a TURN server.
std::string client_of_user(std::string_view user);

}  // namespace crypelab::evidence
