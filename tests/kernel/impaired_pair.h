#pragma once

#include "harness/impair/link_control.h"
#include "harness/impair/link_engine.h"
#include "harness/kernel/cable.h"
#include "harness/kernel/child_process.h"
#include "harness/kernel/network_namespace.h"

#include <optional>

namespace crypelab::impair {

// Two hosts, `left` (10.7.0.1, 2001:db8:7::1) and `right` (10.7.0.2, 2001:db8:7::2), and an impaired link between
// them whose engine runs in a process of its own, as in a lab. Left is end a.
class ImpairedPair {
 public:
  ImpairedPair(const Impairment& to_right, const Impairment& to_left);

  // Both directions' counters, once nothing is under way.
  LinkCounters settled(Direction direction);

  kernel::NetworkNamespace left;
  kernel::NetworkNamespace right;
  kernel::NetworkNamespace room;  // where the cables meet
  kernel::Cable left_cable;
  kernel::Cable right_cable;
  std::optional<LinkControl> control;
  kernel::ChildProcess engine;
};

}  // namespace crypelab::impair
