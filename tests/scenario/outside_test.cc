#include "machine.h"
#include "words.h"

#include <csignal>
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

namespace crypelab::test::outside_test {
namespace {

using kernel::testing::Caller;
using kernel::testing::Pipe;
using Clock = std::chrono::steady_clock;

class Outside : public ::testing::TestWithParam<Caller> {};
INSTANTIATE_TEST_SUITE_P(Lab, Outside, ::testing::ValuesIn(kernel::testing::callers()), kernel::testing::name_of);

// crypelab as a child of this process, its standard output readable here.
class Running {
 public:
  explicit Running(std::vector<std::string> words, const char* output = nullptr) {
    words.insert(words.begin(), kProgram);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setsid();
      const int out = output == nullptr ? out_.writer() : ::open(output, O_WRONLY | O_CLOEXEC);
      ::dup2(in_.reader(), 0);
      ::dup2(out, 1);
      ::dup2(out, 2);
      std::vector<char*> arguments;
      for (auto& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::execv(kProgram.c_str(), arguments.data());
      ::_exit(99);
    }
    out_.close_writer();
    in_.close_reader();
  }
  ~Running() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  pid_t pid() const { return pid_; }
  std::string hear() const { return out_.hear(30'000); }
  void end_input() const { in_.close_writer(); }
  // Exit status, or 128 + signal, of a command that ends in time.
  int wait(std::chrono::milliseconds patience = std::chrono::seconds(30)) {
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    pollfd polled{process.get(), POLLIN, 0};
    if (::poll(&polled, 1, static_cast<int>(patience.count())) != 1) return -1;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  // True when it ended within this time.
  bool ends_within(std::chrono::microseconds time) const {
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    pollfd polled{process.get(), POLLIN, 0};
    const timespec wait{time.count() / 1'000'000, time.count() % 1'000'000 * 1000};
    return ::ppoll(&polled, 1, &wait, nullptr) == 1;
  }

 private:
  Pipe in_;
  Pipe out_;
  pid_t pid_ = -1;
};

// A host program that is as hard to end as one can be: it ignores what it may ignore, and so do its daemons.
const std::string kStubborn =
    "trap '' TERM HUP INT QUIT; (setsid sh -c \"trap '' TERM HUP INT; echo up; while :; do sleep 100; done\" &); "
    "while :; do sleep 100; done";

TEST_P(Outside, nothing_of_the_machine_changes_while_a_lab_runs_or_after_it) {
  on_a_machine(GetParam(), [] {
    const ScenarioFile file(kRich + std::string("  - { at: 160ms, record: www.crype.test, to: [198.51.100.21] }\n"));
    {
      Running warm({"show", file.path()}, "/dev/null");
      ASSERT_EQ(warm.wait(), 0);
    }
    const auto before = snapshot();
    ASSERT_GT(before.size(), 500U);
    ASSERT_NE(before.at("ip rule").find("lookup 77"), std::string::npos);
    if (::geteuid() == 0) {
      ASSERT_NE(before.at("nft list ruleset").find("table inet machine"), std::string::npos);
    }
    // The command says "up" after the last step has happened.
    Running lab({"exec", file.path(), "--", "sh", "-c",
                 "until getent hosts www.crype.test | grep -q ^198.51.100.21; do :; done; echo x > /tmp/x; echo x > "
                 "~/x; echo up; cat"});
    EXPECT_EQ(lab.hear(), "up\n");
    EXPECT_EQ(difference(before, snapshot()), "");
    lab.end_input();
    EXPECT_EQ(lab.wait(), 0);
    EXPECT_TRUE(alone());
    EXPECT_EQ(difference(before, snapshot()), "");
  });
}

TEST(Snapshot, sees_what_it_should) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root changes what a snapshot holds";
  on_a_machine(Caller::root, [] {
    const auto before = snapshot();
    EXPECT_EQ(difference(before, snapshot()), "");
    for (const char* change :
         {"ip link set v1 down", "ip addr add 192.168.77.9/24 dev v0", "ip route add 10.98.0.0/16 via 192.168.77.2",
          "ip rule add from 1.2.3.4 table 5", "nft add table ip x", "echo 1 > /proc/sys/net/ipv4/ip_forward",
          "echo > /tmp/x", "echo > /dev/shm/x", "echo > /var/lib/misc/x", "mount -t tmpfs tmpfs /mnt"}) {
      const auto now = snapshot();
      ASSERT_EQ(shell(change).status, 0) << change;
      EXPECT_NE(difference(now, snapshot()), "") << change;
    }
  });
}

TEST_P(Outside, kill_nine_at_a_random_instant_leaves_nothing) {
  const char* wanted = std::getenv("CRYPELAB_KILLS");
  const int rounds = wanted == nullptr ? 10 : std::atoi(wanted);
  on_a_machine(GetParam(), [rounds] {
    const unsigned seed = std::random_device{}();
    std::mt19937 random(seed);
    SCOPED_TRACE("seed " + std::to_string(seed));
    const ScenarioFile file(kRich);
    const std::vector<std::string> words{"exec", file.path(), "--",
                                         "sh",   "-c",        "getent hosts turn.crype.test; sleep 0.1"};
    const auto begin = Clock::now();
    {
      Running whole(words);
      ASSERT_EQ(whole.wait(), 0);
    }
    const auto life = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
    const auto before = snapshot();
    int alive = 0;
    for (int round = 0; round < rounds; ++round) {
      const std::chrono::microseconds instant(std::uniform_int_distribution<long>(0, life.count())(random));
      SCOPED_TRACE("round " + std::to_string(round) + ", after " + std::to_string(instant.count()) + " us");
      Running victim(words);
      if (!victim.ends_within(instant)) ++alive;
      ::kill(victim.pid(), SIGKILL);
      victim.wait();
      ASSERT_TRUE(alone());
      ASSERT_EQ(difference(before, snapshot()), "");
    }
    EXPECT_GE(alive, rounds / 2);
  });
}

TEST_P(Outside, a_signal_ends_a_lab_whatever_its_programs_ignore) {
  on_a_machine(GetParam(), [] {
    const ScenarioFile file(kTwoSites);
    const auto before = snapshot();
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
      Running lab({"exec", file.path(), "--", "sh", "-c", kStubborn});
      EXPECT_EQ(lab.hear(), "up\n");
      const auto asked = Clock::now();
      ::kill(lab.pid(), number);
      EXPECT_EQ(lab.wait(), 128 + number);
      EXPECT_LT(Clock::now() - asked, std::chrono::seconds(5)) << number;
      EXPECT_TRUE(alone());
    }
    EXPECT_EQ(difference(before, snapshot()), "");
  });
}

TEST_P(Outside, the_second_signal_ends_everything_at_once) {
  on_a_machine(GetParam(), [] {
    const ScenarioFile file(kTwoSites);
    Running lab({"exec", file.path(), "--", "sh", "-c", kStubborn});
    EXPECT_EQ(lab.hear(), "up\n");
    ::kill(lab.pid(), SIGINT);
    ::kill(lab.pid(), SIGINT);
    EXPECT_EQ(lab.wait(std::chrono::seconds(5)), 128 + SIGINT);
    EXPECT_TRUE(alone());
  });
}

TEST_P(Outside, a_signal_during_bring_up_ends_it) {
  on_a_machine(GetParam(), [] {
    const ScenarioFile file(kRich);
    for (const int milliseconds : {1, 30, 80, 150}) {
      Running lab({"exec", file.path(), "--", "sleep", "1000"});
      EXPECT_FALSE(lab.ends_within(std::chrono::milliseconds(milliseconds)));
      ::kill(lab.pid(), SIGTERM);
      EXPECT_EQ(lab.wait(std::chrono::seconds(15)), 128 + SIGTERM);
      EXPECT_TRUE(alone());
    }
  });
}

TEST_P(Outside, daemons_of_a_program_end_with_it) {
  on_a_machine(GetParam(), [] {
    const ScenarioFile file(kTwoSites);
    Running lab({"exec", file.path(), "--", "sh", "-c",
                 "setsid sh -c \"trap '' TERM HUP INT; sleep 1000\" > /dev/null 2>&1 & exit 3"});
    EXPECT_EQ(lab.wait(), 3);
    EXPECT_TRUE(alone());
  });
}

}  // namespace
}  // namespace crypelab::test::outside_test
