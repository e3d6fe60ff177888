#include "harness/kernel/supervisor.h"

#include "harness/kernel/user_namespace_policy.h"
#include "variants.h"

#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace crypelab::kernel::testing::supervisor_test {
namespace {

class SupervisorTest : public ::testing::TestWithParam<Caller> {};
INSTANTIATE_TEST_SUITE_P(Lab, SupervisorTest, ::testing::ValuesIn(callers()), name_of);

void wait_for_ever() {
  for (;;) ::pause();
}

std::string read_link(const std::string& path) {
  std::array<char, 256> buffer{};
  const ssize_t size = ::readlink(path.c_str(), buffer.data(), buffer.size());
  return {buffer.data(), static_cast<std::size_t>(size < 0 ? 0 : size)};
}

std::string contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST_P(SupervisorTest, the_exit_status_of_the_body_is_returned) {
  Command command(GetParam(), [] { return supervise([](Supervised&) { return 42; }); });
  EXPECT_EQ(exit_of(command.wait()), 42);
}

TEST_P(SupervisorTest, a_failure_of_the_body_reaches_the_command) {
  Command command(GetParam(), [] {
    try {
      supervise([](Supervised&) -> int { throw Failure(Exit::unavailable, "no squid here"); });
    } catch (const Failure& failure) {
      return failure.exit() == Exit::unavailable && failure.what() == std::string("no squid here") ? 7 : 8;
    }
    return 9;
  });
  EXPECT_EQ(exit_of(command.wait()), 7);
}

TEST_P(SupervisorTest, the_lab_has_namespaces_of_its_own) {
  std::vector<std::string> outside;
  for (const char* kind : {"pid", "mnt", "uts", "ipc", "net"})
    outside.push_back(read_link(std::string("/proc/self/ns/") + kind));
  in_a_lab(GetParam(), [&](Supervised& supervised) {
    std::size_t i = 0;
    for (const char* kind : {"pid", "mnt", "uts", "ipc", "net"}) {
      const std::string inside = read_link(std::string("/proc/self/ns/") + kind);
      EXPECT_FALSE(inside.empty());
      EXPECT_NE(inside, outside[i++]) << kind;
    }
    EXPECT_EQ(::getppid(), 1);
    EXPECT_EQ(read_link("/proc/self"), std::to_string(::getpid()));
    EXPECT_EQ(supervised.rootless(), GetParam() == Caller::user);
    EXPECT_EQ(supervised.identity(1).user == supervised.identity(2).user, supervised.rootless());
  });
}

TEST_P(SupervisorTest, mounts_inside_do_not_reach_the_machine) {
  const std::string before = contents("/proc/self/mountinfo");
  in_a_lab(GetParam(),
           [&](Supervised&) { EXPECT_EQ(contents("/proc/self/mountinfo").find("shared:"), std::string::npos); });
  EXPECT_EQ(contents("/proc/self/mountinfo"), before);
}

TEST_P(SupervisorTest, one_signal_asks_the_body_to_end) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    Pipe pipe;
    Command command(GetParam(), [&] {
      return supervise([&](Supervised& supervised) {
        EXPECT_EQ(supervised.end_signal(), 0);
        pipe.say("up");
        pollfd polled{supervised.end_descriptor(), POLLIN, 0};
        EXPECT_EQ(::poll(&polled, 1, 10'000), 1);
        EXPECT_EQ(::poll(&polled, 1, 0), 1) << "it stays readable";
        return 100 + supervised.end_signal();
      });
    });
    pipe.hear();
    command.process().signal(number);
    EXPECT_EQ(exit_of(command.wait()), 100 + number);
  }
}

TEST_P(SupervisorTest, a_signal_that_the_command_ignores_does_not_end_the_lab) {
  Pipe pipe;
  Command command(GetParam(), [&] {
    ::signal(SIGHUP, SIG_IGN);
    return supervise([&](Supervised& supervised) {
      pipe.say("up");
      pollfd polled{supervised.end_descriptor(), POLLIN, 0};
      EXPECT_EQ(::poll(&polled, 1, 10'000), 1);
      return 100 + supervised.end_signal();
    });
  });
  pipe.hear();
  command.process().signal(SIGHUP);
  command.process().signal(SIGTERM);
  EXPECT_EQ(exit_of(command.wait()), 100 + SIGTERM);
}

TEST_P(SupervisorTest, two_interrupts_end_at_once) {
  Pipe pipe;
  Command command(GetParam(), [&] {
    return supervise([&](Supervised& supervised) {
      pipe.say("up");
      pollfd polled{supervised.end_descriptor(), POLLIN, 0};
      EXPECT_EQ(::poll(&polled, 1, 10'000), 1);
      pipe.say("asked");
      wait_for_ever();
      return 0;
    });
  });
  pipe.hear();
  command.process().signal(SIGINT);
  pipe.hear();
  command.process().signal(SIGINT);
  EXPECT_EQ(exit_of(command.wait(2'000)), 128 + SIGINT);
  pipe.close_writer();
  EXPECT_TRUE(pipe.abandoned(0));
}

TEST_P(SupervisorTest, a_body_that_hangs_is_killed_after_the_grace) {
  Pipe pipe;
  Command command(GetParam(), [&] {
    return supervise(
        [&](Supervised&) {
          pipe.say("up");
          wait_for_ever();
          return 0;
        },
        {.grace = std::chrono::milliseconds(50)});
  });
  pipe.hear();
  command.process().signal(SIGTERM);
  EXPECT_EQ(exit_of(command.wait(2'000)), 128 + SIGTERM);
}

TEST_P(SupervisorTest, a_process_that_left_its_session_ends_with_the_lab) {
  Pipe pipe;
  in_a_lab(GetParam(), [&](Supervised&) {
    if (::fork() == 0) {
      ::setsid();
      if (::fork() == 0) {
        ::signal(SIGTERM, SIG_IGN);
        pipe.say("daemon");
        wait_for_ever();
      }
      ::_exit(0);
    }
    pipe.hear();
  });
  pipe.close_writer();
  EXPECT_TRUE(pipe.abandoned());
}

TEST_P(SupervisorTest, a_killed_supervisor_is_a_failure_and_not_a_success) {
  Command command(GetParam(), [] {
    return supervise([](Supervised&) {
      ::raise(SIGKILL);
      return 0;
    });
  });
  EXPECT_EQ(exit_of(command.wait()), static_cast<int>(Exit::software));
}

TEST_P(SupervisorTest, a_killed_first_process_ends_everything) {
  Pipe pipe;
  Command command(GetParam(), [&] {
    return supervise([&](Supervised&) {
      pipe.say("up");
      wait_for_ever();
      return 0;
    });
  });
  pipe.hear();
  // The first process is the command's only child.
  const std::string pid = std::to_string(command.process().pid());
  const std::string child = contents("/proc/" + pid + "/task/" + pid + "/children");
  ASSERT_FALSE(child.empty());
  EXPECT_EQ(::kill(std::stoi(child), SIGKILL), 0);
  EXPECT_EQ(exit_of(command.wait()), static_cast<int>(Exit::software));
  pipe.close_writer();
  EXPECT_TRUE(pipe.abandoned(0));
}

TEST_P(SupervisorTest, a_command_with_threads_is_refused) {
  Command command(GetParam(), [] {
    std::mutex held;
    held.lock();
    std::thread other([&] { const std::lock_guard lock(held); });
    int status = 0;
    try {
      status = supervise([](Supervised&) { return 0; });
    } catch (const Failure& failure) {
      status = static_cast<int>(failure.exit());
    }
    held.unlock();
    other.join();
    return status;
  });
  EXPECT_EQ(exit_of(command.wait()), static_cast<int>(Exit::software));
}

TEST(UserNamespacePolicy, each_setting_that_forbids_names_the_command_that_allows) {
  EXPECT_FALSE(why_forbidden({}));
  EXPECT_FALSE(why_forbidden({1, 15000, 0}));
  EXPECT_NE(why_forbidden({0, 15000, 0})->find("sysctl -w kernel.unprivileged_userns_clone=1"), std::string::npos);
  EXPECT_NE(why_forbidden({1, 0, 0})->find("sysctl -w user.max_user_namespaces="), std::string::npos);
  EXPECT_NE(why_forbidden({std::nullopt, 15000, 1})->find("apparmor_restrict_unprivileged_userns=0"),
            std::string::npos);
}

TEST(SupervisorPrivilege, where_user_namespaces_are_forbidden_the_command_says_what_to_do) {
  // A user namespace in which no further one may be made stands for a machine that forbids them.
  Command command(Caller::user, [] {
    if (::unshare(CLONE_NEWUSER) < 0) return 1;
    std::ofstream("/proc/sys/user/max_user_namespaces") << 0;
    try {
      supervise([](Supervised&) { return 0; });
    } catch (const Failure& failure) {
      const bool says = std::string(failure.what()).find("sysctl -w user.max_user_namespaces=") != std::string::npos;
      return failure.exit() == Exit::privilege && says ? 7 : 8;
    }
    return 9;
  });
  EXPECT_EQ(exit_of(command.wait()), 7);
}

}  // namespace
}  // namespace crypelab::kernel::testing::supervisor_test
