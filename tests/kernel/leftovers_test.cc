#include "harness/kernel/supervisor.h"
#include "site.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <sys/syscall.h>

namespace crypelab::kernel::testing::leftovers_test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::string contents(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Everything that carries the marker: in its name, which a copy of a process keeps, or in its environment.
std::vector<pid_t> marked(const std::string& marker) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const bool is = contents(entry.path() / "comm") == marker + "\n" ||
                    contents(entry.path() / "environ").find(marker) != std::string::npos;
    if (is && contents(entry.path() / "stat").find(") Z ") == std::string::npos) found.push_back(std::stoi(name));
  }
  return found;
}

bool all_end(const std::string& marker, Clock::time_point deadline) {
  for (std::vector<pid_t> left = marked(marker); !left.empty(); left = marked(marker)) {
    for (const pid_t pid : left) {
      const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
      pollfd polled{process.get(), POLLIN, 0};
      const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (wait <= 0) return false;
      if (process) ::poll(&polled, 1, static_cast<int>(wait));
    }
  }
  return true;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  return names;
}

pid_t only_child(pid_t parent) {
  const std::string pid = std::to_string(parent);
  const std::string children = contents("/proc/" + pid + "/task/" + pid + "/children");
  return children.empty() ? 0 : std::stoi(children);
}

// A lab with two hosts, programs that leave daemons behind, and an orderly end.
int whole_life(const std::string& marker) {
  ::prctl(PR_SET_NAME, marker.c_str());
  return supervise([&](Supervised& lab) {
    for (unsigned round = 0; round < 2; ++round) {
      Site here(lab, 1), there(lab, 2);
      ProgramPlan plan =
          here.shell("(setsid sh -c 'trap \"\" TERM HUP; sleep 1000; :' &); echo x > /tmp/x; sleep 1000");
      plan.environment["MARKER"] = marker;
      plan.descriptors = {};
      Program one(plan), two(plan);
      ProgramPlan short_one = there.shell("exit 0");
      short_one.environment["MARKER"] = marker;
      EXPECT_EQ(Program(short_one).wait().value, 0);
      one.terminate(std::chrono::seconds(5));
    }
    return 0;
  });
}

class Leftovers : public ::testing::TestWithParam<Caller> {};
INSTANTIATE_TEST_SUITE_P(Lab, Leftovers, ::testing::ValuesIn(callers()), name_of);

TEST_P(Leftovers, kill_nine_at_a_random_instant_leaves_nothing) {
  const char* wanted = std::getenv("CRYPELAB_KILLS");
  const int rounds = wanted == nullptr ? 20 : std::atoi(wanted);
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  const std::string mounts = contents("/proc/self/mountinfo");
  const std::string marker = "victim" + std::to_string(::getpid());

  const auto began = Clock::now();
  {
    Command command(GetParam(), [&] { return whole_life(marker); });
    ASSERT_EQ(exit_of(command.wait()), 0);
  }
  auto life = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
  EXPECT_TRUE(marked(marker).empty()) << "an orderly end leaves nothing either";

  int killed_alive = 0;
  for (int round = 0; round < rounds; ++round) {
    Command command(GetParam(), [&] { return whole_life(marker); });
    const std::chrono::microseconds instant(std::uniform_int_distribution<long>(0, life.count())(random));
    timespec delay{instant.count() / 1'000'000, instant.count() % 1'000'000 * 1000};
    pollfd polled{command.process().descriptor(), POLLIN, 0};
    if (::ppoll(&polled, 1, &delay, nullptr) == 0)
      ++killed_alive;
    else
      life = life * 3 / 4;  // the first one was slow
    // The command, its first process, or the supervisor below that.
    pid_t victim = command.process().pid();
    for (int depth = std::uniform_int_distribution<int>(0, 2)(random); depth > 0; --depth) {
      if (const pid_t child = only_child(victim)) victim = child;
    }
    ::kill(victim, SIGKILL);
    ASSERT_TRUE(all_end(marker, Clock::now() + std::chrono::seconds(10)))
        << "round " << round << ", after " << instant.count() << " us";
    command.process().reap();
  }
  EXPECT_GT(killed_alive, rounds / 2);
  EXPECT_EQ(contents("/proc/self/mountinfo"), mounts);
  for (const char* folder : {"/tmp", "/dev/shm", "/run"}) {
    for (const std::string& name : names_in(folder))
      EXPECT_EQ(name.find(marker), std::string::npos) << folder << "/" << name;
  }
}

}  // namespace
}  // namespace crypelab::kernel::testing::leftovers_test
