#include "harness/kernel/program.h"

#include "harness/base/error.h"
#include "harness/kernel/program_init.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/wait.h>

namespace crypelab::kernel {

namespace {

using Clock = std::chrono::steady_clock;

class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

ProgramStatus from_wait_status(int status) {
  if (WIFSIGNALED(status)) return {ProgramStatus::Kind::signalled, WTERMSIG(status), {}};
  return {ProgramStatus::Kind::exited, WEXITSTATUS(status), {}};
}

}  // namespace

std::vector<int> privileged_capabilities() {
  return {CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_FOWNER,  CAP_KILL,       CAP_SETGID,
          CAP_SETUID, CAP_NET_ADMIN,    CAP_NET_RAW, CAP_SYS_PTRACE, CAP_NET_BIND_SERVICE};
}

int ProgramStatus::exit_status() const {
  switch (kind) {
    case Kind::exited:
      return value;
    case Kind::signalled:
      return 128 + value;
    case Kind::not_started:
      break;
  }
  return value == ENOENT || value == ENOTDIR ? 127 : 126;
}

std::string ProgramStatus::text() const {
  switch (kind) {
    case Kind::exited:
      return "exit status " + std::to_string(value);
    case Kind::signalled:
      return "signal " + std::to_string(value) + " (" + ::strsignal(value) + ")";
    case Kind::not_started:
      break;
  }
  return "not started: " + step + ": " + std::strerror(value);
}

Program::Program(const ProgramPlan& plan) {
  auto [here, there] = PacketSocket::pair();
  ProgramLaunch launch(plan, there.descriptor());
  {
    // What arrives between clone and exec must not run a handler of the lab in the child.
    const AllSignalsBlocked blocked;
    init_ = clone_process(CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC, run_program_init, &launch);
  }
  if (!init_) throw_errno("starting " + (plan.arguments.empty() ? std::string("nothing") : plan.arguments.front()));
  control_ = std::move(here);
}

std::optional<ProgramStatus> Program::poll() {
  if (!init_) return status_;
  bool ended = false;
  while (const auto packet = control_.poll(ended)) {
    ProgramNotice notice;
    if (packet->bytes.size() != sizeof notice) continue;
    std::memcpy(&notice, packet->bytes.data(), sizeof notice);
    if (notice.kind == ProgramNotice::Kind::stopped) stopped_ = true;
    if (status_) continue;  // the first one explains the rest
    if (notice.kind == ProgramNotice::Kind::not_started)
      status_ = ProgramStatus{ProgramStatus::Kind::not_started, notice.value, describe(notice.step)};
    if (notice.kind == ProgramNotice::Kind::ended) status_ = from_wait_status(notice.value);
  }
  if (!ended) return std::nullopt;
  // The first process has closed its socket: it is on its way out. What it started is gone when it is.
  init_.reap();
  control_.close();
  stopped_ = false;
  if (!status_) status_ = ProgramStatus{ProgramStatus::Kind::signalled, SIGKILL, {}};
  return status_;
}

std::optional<ProgramStatus> Program::wait_until(Clock::time_point deadline) {
  for (;;) {
    if (auto status = poll()) return status;
    const auto left = deadline - Clock::now();
    if (left <= Clock::duration::zero()) return std::nullopt;
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    pollfd polled{descriptor(), POLLIN, 0};
    ::poll(&polled, 1, static_cast<int>(std::min<long>(milliseconds, 1'000'000)));
  }
}

ProgramStatus Program::wait() {
  for (;;) {
    if (auto status = wait_until(Clock::now() + std::chrono::hours(1))) return *status;
  }
}

void Program::resume() {
  stopped_ = false;
  signal(SIGCONT);
}

void Program::signal(int number) {
  const char message = static_cast<char>(number);
  if (control_) control_.send({&message, 1});
}

ProgramStatus Program::terminate(std::chrono::milliseconds grace) {
  signal(SIGTERM);
  if (auto status = wait_until(Clock::now() + grace)) return *status;
  return kill();
}

ProgramStatus Program::kill() {
  init_.signal(SIGKILL);
  return wait();
}

}  // namespace crypelab::kernel
