#include "harness/lab/schedule.h"

#include "harness/base/error.h"
#include "harness/kernel/signal_queue.h"
#include "harness/lab/attempt_process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <list>
#include <vector>

#include <poll.h>

namespace crypelab::lab {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kTickMilliseconds = 250;

class Schedule {
 public:
  Schedule(const std::deque<Planned>& attempts, const Room& room, const ScheduleWatcher& watcher)
      : room_(room), watcher_(watcher), signals_{SIGINT, SIGTERM, SIGHUP} {
    for (const bool lingering : {true, false}) {
      for (const auto& attempt : attempts) {
        if (!attempt.measures && attempt.lingers == lingering) together_.push_back(&attempt.plan);
      }
    }
    for (const auto& attempt : attempts) {
      if (attempt.measures) alone_.push_back(&attempt.plan);
    }
  }

  int run() {
    for (;;) {
      begin();
      if (running_.empty()) return signal_;
      wait();
    }
  }

 private:
  struct Running {
    AttemptProcess process;
    Clock::time_point begun;
  };

  void begin() {
    while (signal_ == 0 && !together_.empty() && room_.for_one_more(ages())) start(together_);
    if (signal_ == 0 && together_.empty() && running_.empty() && !alone_.empty()) start(alone_);
  }
  std::vector<std::chrono::milliseconds> ages() const {
    const auto now = Clock::now();
    std::vector<std::chrono::milliseconds> ages;
    for (const auto& each : running_)
      ages.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(now - each.begun));
    return ages;
  }
  void start(std::deque<const TrialPlan*>& from) {
    const auto* plan = from.front();
    from.pop_front();
    if (watcher_.started) watcher_.started(*plan);
    running_.push_back({AttemptProcess(*plan), Clock::now()});
  }

  void wait() {
    std::vector<pollfd> polled{{signals_.descriptor(), POLLIN, 0}};
    for (const auto& each : running_) polled.push_back({each.process.descriptor(), POLLIN, 0});
    if (::poll(polled.data(), polled.size(), kTickMilliseconds) < 0 && errno != EINTR) throw_errno("wait for attempts");
    while (const int number = signals_.next()) {
      signal_ = number;
      for (auto& each : running_) each.process.signal(number);
    }
    auto entry = polled.begin() + 1;
    for (auto each = running_.begin(); each != running_.end(); ++entry) {
      if (entry->revents == 0) {
        ++each;
        continue;
      }
      each->process.finish();
      const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - each->begun);
      if (watcher_.finished) watcher_.finished(each->process.plan(), took);
      each = running_.erase(each);
    }
    if (watcher_.tick) watcher_.tick();
  }

  Room room_;
  const ScheduleWatcher& watcher_;
  kernel::SignalQueue signals_;
  std::deque<const TrialPlan*> together_;
  std::deque<const TrialPlan*> alone_;
  std::list<Running> running_;
  int signal_ = 0;
};

}  // namespace

bool Room::for_one_more(const std::vector<std::chrono::milliseconds>& ages) const {
  if (ages.empty()) return true;
  const auto are_young = std::ranges::count_if(ages, [](auto age) { return age < kYouth; });
  return ages.size() < side_by_side && static_cast<std::size_t>(are_young) < young;
}

int run_all(const std::deque<Planned>& attempts, const Room& room, const ScheduleWatcher& watcher) {
  return Schedule(attempts, room, watcher).run();
}

}  // namespace crypelab::lab
