#pragma once

#include "harness/faults/proxy_settings.h"

#include <string_view>

namespace crypelab::faults {

// When a tunnel must be cut, and why. Neither clock nor socket: `now` counts from the start of the program.
class TunnelFate {
 public:
  // `expires`: when the session of its user ends.
  TunnelFate(const Cut& cut, std::optional<Millis> expires, Millis now);

  void moved(std::uint64_t bytes, Millis now);
  // "lifetime", "bytes", "idle", "credentials-expired", or empty while it may live.
  std::string_view due(Millis now) const;
  // When to ask again at the latest, if nothing moves.
  std::optional<Millis> next() const;

 private:
  Cut cut_;
  std::optional<Millis> expires_;
  Millis opened_;
  Millis last_moved_;
  std::uint64_t bytes_ = 0;
};

}  // namespace crypelab::faults
