#include "../kernel/variants.h"
#include "harness/lab/lab.h"
#include "harness/scenario/loader.h"
#include "words.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/wait.h>

namespace crypelab::test::leak_test {
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

// Whether one namespace of each kind, and no more, may be made now: none of those that were made before is left. What
// has just ended is cleared away in the background, so there is time for that. Says which kind is left. A process that
// is in the user namespace itself counts for none.
constexpr const char* kNoneLeft = R"(
for kind in net mnt pid uts ipc user; do
  echo 1 > /proc/sys/user/max_${kind}_namespaces || exit 99
  case $kind in mnt) option=mount ;; pid) option='pid --fork' ;; *) option=$kind ;; esac
  timeout ${patience:-20} sh -c "until unshare --$option true 2> /dev/null; do :; done" ||
    { echo $kind; kill $holder 2> /dev/null; exit 1; }
done
)";

TEST(Leaks, the_kernel_keeps_no_namespace_of_labs_that_are_gone) {
  // In a user namespace that may hold a few labs' worth of namespaces, many labs run one after the other. What has just
  // ended is cleared away in the background, so there is room for some of those.
  const ScenarioFile file(kTwoSites);
  const std::string script =
      "for kind in net mnt pid uts ipc user; do echo 100 > /proc/sys/user/max_${kind}_namespaces || exit 99; done\n"
      "i=0; while [ $i -lt " +
      std::to_string(rounds() * 2) + " ]; do " + one_word(kProgram) + " exec " + file.path() +
      " -- true || exit 1; i=$((i+1)); done\n" + kNoneLeft;
  const auto done = shell("exec unshare --user --map-root-user sh -c " + one_word(script), std::chrono::seconds(170));
  EXPECT_EQ(done.status, 0) << done.out << done.err;
  // A single one that somebody keeps would be seen.
  const auto one = shell("exec unshare --user --map-root-user sh -c " +
                         one_word("patience=0.5; unshare --ipc sleep 100 & holder=$!\n"
                                  "until [ \"$(readlink /proc/$holder/ns/ipc)\" != \"$(readlink /proc/$$/ns/ipc)\" ]; "
                                  "do :; done\n" +
                                  std::string(kNoneLeft)));
  EXPECT_EQ(one.status, 1) << one.err;
  EXPECT_EQ(one.out, "ipc\n");
  // The limit is a limit: it stops somebody who does keep them.
  const auto kept =
      shell("exec unshare --user --map-root-user sh -c 'echo 2 > /proc/sys/user/max_net_namespaces; " +
            one_word(kProgram).substr(1, one_word(kProgram).size() - 2) + " exec " + file.path() + " -- true'");
  EXPECT_NE(kept.status, 0);
  EXPECT_NE(kept.err.find("user.max_net_namespaces"), std::string::npos) << kept.err;
}

TEST(Leaks, eight_labs_at_once_work) {
  const ScenarioFile file(kTwoSites);
  // Each waits until the last of them is up.
  const std::string script =
      "said=$(mktemp -d); mkfifo $said/go; for i in 1 2 3 4 5 6 7 8; do (" + one_word(kProgram) + " exec " +
      file.path() +
      " --host bob -- sh -c 'getent hosts signal.crype.test && echo up && cat && getent hosts "
      "turn.crype.test' && echo done) < $said/go > $said/$i & done; exec 3> $said/go; "
      "until [ $(cat $said/[1-8] | grep -c ^up) = 8 ]; do :; done; exec 3>&-; wait; cat $said/[1-8]; rm -r $said";
  const auto all = shell(script);
  int done = 0;
  for (auto at = all.out.find("done\n"); at != std::string::npos; at = all.out.find("done\n", at + 1)) ++done;
  EXPECT_EQ(done, 8) << all.out << all.err;
}

}  // namespace
}  // namespace crypelab::test::leak_test
