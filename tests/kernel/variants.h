#pragma once

#include "harness/base/error.h"
#include "harness/kernel/child_process.h"
#include "harness/kernel/supervisor.h"

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crypelab::kernel::testing {

// Who brings the lab up: real root, or somebody without any privilege.
enum class Caller { root, user };

inline std::string name_of(const ::testing::TestParamInfo<Caller>& info) {
  return info.param == Caller::root ? "as_root" : "rootless";
}

inline std::vector<Caller> callers() {
  if (::geteuid() == 0) return {Caller::root, Caller::user};
  return {Caller::user};
}

// An unprivileged user without an entry in passwd.
inline constexpr unsigned nobody_special = 54321;

inline void become(Caller caller) {
  if (caller == Caller::root || ::geteuid() != 0) return;
  if (::setgroups(0, nullptr) < 0 || ::setresgid(nobody_special, nobody_special, nobody_special) < 0 ||
      ::setresuid(nobody_special, nobody_special, nobody_special) < 0)
    ::_exit(99);
  ::prctl(PR_SET_DUMPABLE, 1);  // as after a login: /proc/self belongs to the user
}

// `body` in a process of its own, started as `caller`; a failed expectation in it fails the test.
class Command {
 public:
  Command(Caller caller, std::function<int()> body) : caller_(caller), body_(std::move(body)) {
    std::fflush(nullptr);
    process_ = clone_process(
        0,
        [](void* self) {
          auto& command = *static_cast<Command*>(self);
          become(command.caller_);
          int status = 98;
          try {
            status = command.body_();
          } catch (const Failure& failure) {
            std::fprintf(stderr, "Failure: %s\n", failure.what());
            status = static_cast<int>(failure.exit());
          }
          std::fflush(nullptr);
          return status;
        },
        this);
  }

  ChildProcess& process() { return process_; }
  // The wait status; a command that does not end in time is killed and gives that.
  int wait(int milliseconds = 20'000) {
    pollfd polled{process_.descriptor(), POLLIN, 0};
    if (::poll(&polled, 1, milliseconds) == 0) {
      ADD_FAILURE() << "the command did not end within " << milliseconds << " ms";
      process_.signal(SIGKILL);
    }
    return process_.reap();
  }

 private:
  Caller caller_;
  std::function<int()> body_;
  ChildProcess process_;
};

inline int exit_of(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 1000 + WTERMSIG(wait_status);
}

// Runs `body` as the body of a lab and expects that it returns without a failed expectation.
inline void in_a_lab(Caller caller, const std::function<void(Supervised&)>& body) {
  Command command(caller, [&] {
    return supervise([&](Supervised& supervised) {
      body(supervised);
      return ::testing::Test::HasFailure() ? 1 : 0;
    });
  });
  EXPECT_EQ(exit_of(command.wait()), 0);
}

}  // namespace crypelab::kernel::testing
