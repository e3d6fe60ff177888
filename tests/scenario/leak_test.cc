#include "../kernel/variants.h"
#include "harness/lab/lab.h"
#include "harness/scenario/loader.h"
#include "words.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/wait.h>

namespace crypelab::test {
namespace {

namespace fs = std::filesystem;

int rounds() {
  const char* wanted = std::getenv("CRYPELAB_LABS");
  return wanted == nullptr ? 12 : std::atoi(wanted);
}

long descriptors() { return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()); }

// Anonymous memory of this process, in KiB: what it allocated, not which files it happened to touch.
long memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) return std::stol(line.substr(8));
  }
  return -1;
}

blueprint::Blueprint plan_of(const char* text) {
  auto loaded = scenario::parse(text, "test.yaml");
  EXPECT_TRUE(loaded.ok());
  return blueprint::draw(loaded.scenarios.at(0));
}

TEST(Leaks, labs_up_and_down_in_a_row_leave_no_descriptor_and_no_memory_in_the_process_that_started_them) {
  const auto plan = plan_of(kTwoSites);
  const auto once = [&] {
    EXPECT_EQ(kernel::supervise([&](kernel::Supervised& supervised) {
                const lab::Lab lab(plan, supervised);
                return 0;
              }),
              0);
  };
  once();
  const long files = descriptors();
  const long kilobytes = memory();
  for (int round = 0; round < rounds(); ++round) once();
  EXPECT_EQ(descriptors(), files);
  EXPECT_LT(memory() - kilobytes, 512);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1);  // nobody left to reap
}

TEST(Leaks, labs_within_one_supervisor_leave_no_descriptor_and_no_process) {
  const auto plan = plan_of(kTwoSites);
  EXPECT_EQ(kernel::supervise([&](kernel::Supervised& supervised) {
              { const lab::Lab first(plan, supervised); }
              const long files = descriptors();
              const long kilobytes = memory();
              for (int round = 0; round < rounds(); ++round) const lab::Lab lab(plan, supervised);
              if (descriptors() != files) return 1;
              if (memory() - kilobytes > 1024) return 2;
              long processes = 0;
              for (const auto& entry : fs::directory_iterator("/proc")) {
                const std::string name = entry.path().filename();
                if (name.find_first_not_of("0123456789") == std::string::npos) ++processes;
              }
              return processes == 2 ? 0 : 3;
            }),
            0);
}

TEST(Leaks, the_kernel_keeps_no_namespace_of_labs_that_are_gone) {
  // In a user namespace that may hold a few labs' worth of namespaces, many labs run one after the other. What has just
  // ended is cleared away in the background, so there is room for some of those.
  const ScenarioFile file(kTwoSites);
  const std::string script =
      "for kind in net mnt pid uts ipc user; do echo 100 > /proc/sys/user/max_${kind}_namespaces || exit 99; done\n"
      "i=0; while [ $i -lt " +
      std::to_string(rounds() * 2) + " ]; do " + one_word(kProgram) + " exec " + file.path() +
      " -- true || exit 1; i=$((i+1)); done";
  const auto done = shell("exec unshare --user --map-root-user sh -c " + one_word(script), std::chrono::seconds(170));
  EXPECT_EQ(done.status, 0) << done.err;
  // The limit is a limit: it stops somebody who does keep them.
  const auto kept =
      shell("exec unshare --user --map-root-user sh -c 'echo 2 > /proc/sys/user/max_net_namespaces; " +
            one_word(kProgram).substr(1, one_word(kProgram).size() - 2) + " exec " + file.path() + " -- true'");
  EXPECT_NE(kept.status, 0);
  EXPECT_NE(kept.err.find("user.max_net_namespaces"), std::string::npos) << kept.err;
}

TEST(Leaks, eight_labs_at_once_work) {
  const ScenarioFile file(kTwoSites);
  const std::string script = "for i in 1 2 3 4 5 6 7 8; do (" + one_word(kProgram) + " exec " + file.path() +
                             " --host bob -- sh -c 'getent hosts signal.crype.test && sleep 0.5 && getent hosts "
                             "turn.crype.test' && echo done) & done; wait";
  const auto all = shell(script);
  int done = 0;
  for (auto at = all.out.find("done\n"); at != std::string::npos; at = all.out.find("done\n", at + 1)) ++done;
  EXPECT_EQ(done, 8) << all.out << all.err;
}

}  // namespace
}  // namespace crypelab::test
