#pragma once

#include "clients/signaling/room.h"

#include <memory>
#include <unordered_map>

namespace crypelab::signaling {

// All rooms by name. A room comes into being when a peer first asks for it and is gone when nobody visited it for
// `limits.idle`.
class Lobby {
 public:
  explicit Lobby(const Limits& limits) : limits_(limits) {}

  // The room of that name (is_name), or "server-full". `base` as in Room, used only if it is made now. The reference is
  // good while a Visit lives, or until the next expire().
  std::variant<Room*, Refusal> open(std::string_view name, Time now, std::uint64_t base);
  // Removes idle rooms; gives their names.
  std::vector<std::string> expire(Time now);

  const Limits& limits() const { return limits_; }
  std::size_t size() const { return rooms_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  Limits limits_;
  std::size_t bytes_ = 0;
  std::unordered_map<std::string, std::unique_ptr<Room>, Hash, std::equal_to<>> rooms_;
};

}  // namespace crypelab::signaling
