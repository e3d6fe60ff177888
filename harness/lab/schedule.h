#pragma once

#include "harness/lab/trial.h"

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

namespace crypelab::lab {

// An attempt to be made.
struct Planned {
  TrialPlan plan;
  bool measures = false;  // it has the machine for itself: what others do beside it would be measured, too
  bool lingers = false;   // it is expected to wait long, and is begun before those that are not
};

// How many attempts may run side by side. A young one is brought up and connects: it needs the machine, and its times
// count. What is older mostly waits.
struct Room {
  static constexpr std::chrono::seconds kYouth{3};
  std::size_t side_by_side = 1;
  std::size_t young = 1;

  bool for_one_more(const std::vector<std::chrono::milliseconds>& ages) const;
};

// What somebody who watches is told.
struct ScheduleWatcher {
  std::function<void(const TrialPlan& plan)> started;
  std::function<void(const TrialPlan& plan, std::chrono::milliseconds took)> finished;  // there is evidence
  std::function<void()> tick;                                                           // four times a second
};

// Makes all attempts, as many side by side as there is room for, each in a process of its own; those that measure come
// last, one after the other. SIGINT, SIGTERM and SIGHUP end those that are under way in order, and no other is begun; a
// second one kills them. Returns the signal, or 0. The calling process has one thread. Throws Failure.
int run_all(const std::deque<Planned>& attempts, const Room& room, const ScheduleWatcher& watcher);

}  // namespace crypelab::lab
