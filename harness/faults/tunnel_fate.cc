#include "harness/faults/tunnel_fate.h"

#include <algorithm>

namespace crypelab::faults {

TunnelFate::TunnelFate(const Cut& cut, std::optional<Millis> expires, Millis now)
    : cut_(cut), expires_(expires), opened_(now), last_moved_(now) {}

void TunnelFate::moved(std::uint64_t bytes, Millis now) {
  bytes_ += bytes;
  last_moved_ = now;
}

std::string_view TunnelFate::due(Millis now) const {
  if (expires_ && now >= *expires_) return "credentials-expired";
  if (cut_.after && now >= opened_ + *cut_.after) return "lifetime";
  if (cut_.bytes && bytes_ >= *cut_.bytes) return "bytes";
  if (cut_.idle && now >= last_moved_ + *cut_.idle) return "idle";
  return {};
}

std::optional<Millis> TunnelFate::next() const {
  std::optional<Millis> next = expires_;
  const auto take = [&next](Millis moment) { next = next ? std::min(*next, moment) : moment; };
  if (cut_.after) take(opened_ + *cut_.after);
  if (cut_.idle) take(last_moved_ + *cut_.idle);
  return next;
}

}  // namespace crypelab::faults
