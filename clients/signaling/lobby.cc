#include "clients/signaling/lobby.h"

namespace crypelab::signaling {

std::variant<Room*, Refusal> Lobby::open(std::string_view name, Time now, std::uint64_t base) {
  auto found = rooms_.find(name);
  if (found == rooms_.end()) {
    if (rooms_.size() >= limits_.rooms) return Refusal{"server-full"};
    found = rooms_.emplace(std::string(name), std::make_unique<Room>(limits_, base, bytes_)).first;
  }
  found->second->touch(now);
  return found->second.get();
}

std::vector<std::string> Lobby::expire(Time now) {
  std::vector<std::string> gone;
  for (auto room = rooms_.begin(); room != rooms_.end();) {
    if (room->second->visited()) room->second->touch(now);  // idle time counts from the end of the last visit
    if (now - room->second->touched() < limits_.idle) {
      ++room;
      continue;
    }
    gone.push_back(room->first);
    room = rooms_.erase(room);
  }
  return gone;
}

}  // namespace crypelab::signaling
