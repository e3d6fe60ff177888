#include "harness/kernel/child_process.h"

#include <cerrno>
#include <csignal>
#include <utility>

#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::kernel {

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), pidfd_(std::move(other.pidfd_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    signal(SIGKILL);
    reap();
    pid_ = std::exchange(other.pid_, 0);
    pidfd_ = std::move(other.pidfd_);
  }
  return *this;
}

ChildProcess::~ChildProcess() {
  signal(SIGKILL);
  reap();
}

void ChildProcess::signal(int number) const {
  if (pidfd_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

int ChildProcess::reap() {
  if (!pidfd_) return 0;
  int status = 0;
  // __WALL: the process was made without an exit signal. waitpid by number is safe, since nobody else can reap it.
  while (::waitpid(pid_, &status, __WALL) < 0 && errno == EINTR) {
  }
  pidfd_.close();
  pid_ = 0;
  return status;
}

ChildProcess clone_process(std::uint64_t flags, int (*body)(void*), void* argument) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = flags | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) ::_exit(body(argument));
  if (pid < 0) return {};
  return {static_cast<pid_t>(pid), Descriptor(pidfd)};
}

}  // namespace crypelab::kernel
