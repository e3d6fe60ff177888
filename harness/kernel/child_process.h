#pragma once

#include "harness/base/descriptor.h"

#include <cstdint>

#include <sys/types.h>

namespace crypelab::kernel {

// One child process, held by its pidfd: killed and reaped when destroyed. Needs Linux 5.12 or newer, as all of the lab
// does (clone3 5.3, close_range 5.9, mount_setattr 5.12).
class ChildProcess {
 public:
  ChildProcess() = default;
  ChildProcess(pid_t pid, Descriptor pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  int descriptor() const { return pidfd_.get(); }  // readable once the process has ended
  explicit operator bool() const { return static_cast<bool>(pidfd_); }
  void signal(int number) const;  // no error when it has ended already
  // Waits for the end. The wait status as waitpid(2) gives it; 0 when there was nothing to wait for.
  int reap();

 private:
  pid_t pid_ = 0;
  Descriptor pidfd_;
};

// fork() with namespaces: the child runs `body(argument)` on a copy of this memory and ends with what that returns.
// `flags` are CLONE_NEW*. In a process with threads `body` may do only what signal-safety(7) allows. The child does not
// raise SIGCHLD and is invisible to waitpid(-1), so that nothing else reaps it. Returns an empty process and sets errno
// when the kernel refuses.
ChildProcess clone_process(std::uint64_t flags, int (*body)(void*), void* argument);

}  // namespace crypelab::kernel
