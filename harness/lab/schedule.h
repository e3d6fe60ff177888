#pragma once

#include "harness/lab/trial.h"

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>

namespace crypelab::lab {

// An attempt to be made. One that measures has the machine for itself: what others do beside it would be measured, too.
struct Planned {
  TrialPlan plan;
  bool measures = false;
};

// What somebody who watches is told.
struct ScheduleWatcher {
  std::function<void(const TrialPlan& plan)> started;
  std::function<void(const TrialPlan& plan, std::chrono::milliseconds took)> finished;  // there is evidence
  std::function<void()> tick;                                                           // four times a second
};

// Makes all attempts, so many side by side, each in a process of its own; those that measure come last, one after the
// other. SIGINT, SIGTERM and SIGHUP end those that are under way in order, and no other is begun; a second one kills
// them. Returns the signal, or 0. The calling process has one thread. Throws Failure.
int run_all(const std::deque<Planned>& attempts, std::size_t side_by_side, const ScheduleWatcher& watcher);

}  // namespace crypelab::lab
