#include "clients/reference/call/gap_watch.h"

#include <algorithm>

namespace crypelab::client::call {

std::string_view name_of(Recovery recovery) {
  switch (recovery) {
    case Recovery::retransmission:
      return "retransmission";
    case Recovery::new_pair:
      return "new-pair";
    case Recovery::reconnect:
      return "reconnect";
    case Recovery::restart:
      break;
  }
  return "restart";
}

std::optional<Gap> GapWatch::arrived(Time now) {
  std::optional<Gap> gap;
  if (now - last_ > threshold) {
    gap = Gap{last_, std::chrono::duration_cast<Duration>(now - last_), gravest_};
  }
  last_ = now;
  gravest_ = Recovery::retransmission;
  return gap;
}

void GapWatch::changed(Recovery how) { gravest_ = std::max(gravest_, how); }

std::optional<Gap> GapWatch::finish(Time now) const {
  if (now - last_ <= threshold) return std::nullopt;
  return Gap{last_, std::chrono::duration_cast<Duration>(now - last_), std::nullopt};
}

}  // namespace crypelab::client::call
