#include "harness/kernel/signal_queue.h"

#include "harness/base/error.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace crypelab::kernel {

SignalQueue::SignalQueue(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : signals) {
    struct sigaction action {};
    // A blocked signal is queued even if it is ignored (signal(7)); under nohup it must stay ignored.
    if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    sigaddset(&set, number);
  }
  queue_ = checked(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "making a signal descriptor");
  ::pthread_sigmask(SIG_BLOCK, &set, &before_);
}

SignalQueue::~SignalQueue() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

int SignalQueue::next() const {
  signalfd_siginfo info{};
  if (::read(queue_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace crypelab::kernel
