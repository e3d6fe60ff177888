#pragma once

#include "harness/base/error.h"
#include "harness/kernel/child_process.h"
#include "harness/kernel/supervisor.h"

#include <array>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include <fcntl.h>
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

// Tells the test things from inside of a lab.
class Pipe {
 public:
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) throw_errno("pipe");
    reader_ = Descriptor(ends[0]);
    writer_ = Descriptor(ends[1]);
  }
  int reader() const { return reader_.get(); }
  int writer() const { return writer_.get(); }
  void close_reader() const { reader_.close(); }
  void say(const std::string& text) const {
    EXPECT_EQ(::write(writer_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string hear(int milliseconds = 10'000) const {
    pollfd polled{reader_.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&polled, 1, milliseconds), 1) << "nothing was said";
    return read_some();
  }
  void close_writer() const { writer_.close(); }
  // Everything up to the end; the writing end must be closed here.
  std::string rest() const {
    std::string all;
    for (std::string some = read_some(); !some.empty(); some = read_some()) all += some;
    return all;
  }
  // True once nobody holds the writing end: every process that inherited it is gone.
  bool abandoned(int milliseconds = 10'000) const {
    pollfd polled{reader_.get(), 0, 0};
    return ::poll(&polled, 1, milliseconds) == 1 && (polled.revents & POLLHUP) != 0;
  }

 private:
  std::string read_some() const {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::read(reader_.get(), buffer.data(), buffer.size());
    return {buffer.data(), static_cast<std::size_t>(size < 0 ? 0 : size)};
  }

  mutable Descriptor reader_;
  mutable Descriptor writer_;
};

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
