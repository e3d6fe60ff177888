#include "harness/lab/loop.h"

#include "harness/base/error.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include <poll.h>

namespace crypelab::lab {

void Loop::watch(int descriptor, std::function<void()> ready) { watches_[descriptor] = std::move(ready); }

void Loop::forget(int descriptor) { watches_.erase(descriptor); }

void Loop::at(Clock::time_point moment, std::function<void()> due) { moments_.emplace(moment, std::move(due)); }

bool Loop::run_until(const std::function<bool()>& done, Clock::time_point deadline) {
  while (!done()) {
    if (Clock::now() >= deadline) return false;
    wait(deadline);
  }
  return true;
}

void Loop::wait(Clock::time_point deadline) {
  if (!moments_.empty()) deadline = std::min(deadline, moments_.begin()->first);
  std::vector<pollfd> polled;
  for (const auto& [descriptor, ready] : watches_) polled.push_back({descriptor, POLLIN, 0});
  for (auto* pollable : attended_) pollable->want(polled);
  timespec left{};
  const timespec* limit = nullptr;
  if (deadline != Clock::time_point::max()) {
    const auto rest = std::max(Clock::duration::zero(), deadline - Clock::now());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(rest);
    left.tv_sec = seconds.count();
    left.tv_nsec = std::chrono::nanoseconds(rest - seconds).count();
    limit = &left;
  }
  if (ppoll(polled.data(), polled.size(), limit, nullptr) < 0 && errno != EINTR) throw_errno("wait for the lab");
  for (const auto& entry : polled) {
    const auto watch = watches_.find(entry.fd);
    if (entry.revents == 0 || watch == watches_.end()) continue;
    const auto ready = watch->second;  // a copy: it may forget itself
    ready();
  }
  for (auto* pollable : attended_) pollable->ready();
  while (!moments_.empty() && moments_.begin()->first <= Clock::now()) {
    const auto due = std::move(moments_.begin()->second);
    moments_.erase(moments_.begin());
    due();
  }
}

}  // namespace crypelab::lab
