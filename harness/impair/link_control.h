#pragma once

#include "harness/base/descriptor.h"
#include "harness/impair/link_message.h"

#include <utility>

namespace crypelab::impair {

// The two ends of a control channel: the first for LinkControl, the second for LinkEngine.
std::pair<Descriptor, Descriptor> control_pair();

// The lab's side of a LinkEngine in another process or thread. When it is destroyed the engine's run() returns.
//
// Calls wait for the engine's answer, which takes it less than a millisecond when it is alive. They throw
// Failure{Exit::usage} with the engine's words when it refuses (no such link, an impossible impairment), and
// Failure{Exit::software} when it is gone or silent for five seconds. Not for several threads at once.
class LinkControl {
 public:
  explicit LinkControl(Descriptor control) : control_(std::move(control)) {}

  // Replaces the impairment of one direction: now, or at a moment of CLOCK_MONOTONIC. Changes for one moment happen in
  // the order given. At most 4096 may be outstanding. A trace whose message exceeds 128 KiB (some 100000 lines) is
  // refused: put it into the plan.
  void set(std::uint32_t link, Direction direction, const Impairment& impairment, Time at = Time::zero());
  LinkCounters read(std::uint32_t link, Direction direction);

 private:
  LinkReply ask(const LinkRequest& request);

  Descriptor control_;
};

}  // namespace crypelab::impair
