#pragma once

#include "harness/kernel/pollable.h"

#include <chrono>
#include <functional>
#include <map>
#include <vector>

namespace crypelab::lab {

// Waits for descriptors and for moments, on one thread. What it calls may add and remove watches, its own too.
class Loop {
 public:
  using Clock = std::chrono::steady_clock;

  // `ready` is called whenever `descriptor` can be read or has ended. One watch a descriptor.
  void watch(int descriptor, std::function<void()> ready);
  void forget(int descriptor);
  // `pollable` is polled along, and its ready() called after everything that happens; it must outlive the loop's runs.
  void attend(kernel::Pollable& pollable) { attended_.push_back(&pollable); }
  void at(Clock::time_point moment, std::function<void()> due);

  // Goes on until `done` says so, asked after everything that happens, or until the deadline. True when done.
  bool run_until(const std::function<bool()>& done, Clock::time_point deadline = Clock::time_point::max());

 private:
  void wait(Clock::time_point deadline);

  std::map<int, std::function<void()>> watches_;
  std::vector<kernel::Pollable*> attended_;
  std::multimap<Clock::time_point, std::function<void()>> moments_;
};

}  // namespace crypelab::lab
