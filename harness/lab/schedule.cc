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
  Schedule(const std::deque<Planned>& attempts, std::size_t side_by_side, const ScheduleWatcher& watcher)
      : side_by_side_(std::max<std::size_t>(1, side_by_side)), watcher_(watcher), signals_{SIGINT, SIGTERM, SIGHUP} {
    for (const auto& attempt : attempts) (attempt.measures ? alone_ : together_).push_back(&attempt.plan);
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
    while (signal_ == 0 && !together_.empty() && running_.size() < side_by_side_) start(together_);
    if (signal_ == 0 && together_.empty() && running_.empty() && !alone_.empty()) start(alone_);
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

  std::size_t side_by_side_;
  const ScheduleWatcher& watcher_;
  kernel::SignalQueue signals_;
  std::deque<const TrialPlan*> together_;
  std::deque<const TrialPlan*> alone_;
  std::list<Running> running_;
  int signal_ = 0;
};

}  // namespace

int run_all(const std::deque<Planned>& attempts, std::size_t side_by_side, const ScheduleWatcher& watcher) {
  return Schedule(attempts, side_by_side, watcher).run();
}

}  // namespace crypelab::lab
