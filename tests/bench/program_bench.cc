// What a lab, a host's files and a program in it cost, next to a bare fork and exec of the same program.

#include "harness/kernel/host_view.h"
#include "harness/kernel/program.h"
#include "harness/kernel/supervisor.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace crypelab::kernel;
using Clock = std::chrono::steady_clock;

void measure(const char* what, int times, const std::function<void()>& act) {
  std::vector<double> taken;
  for (int i = 0; i < times; ++i) {
    const auto began = Clock::now();
    act();
    taken.push_back(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
  }
  std::sort(taken.begin(), taken.end());
  fmt::print("{:<40} p50 {:.2f} ms  p90 {:.2f} ms  min {:.2f} ms\n", what, taken[taken.size() / 2],
             taken[taken.size() * 9 / 10], taken.front());
  std::fflush(stdout);
}

void plain() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/true", "true", nullptr);
    ::_exit(127);
  }
  ::waitpid(child, nullptr, 0);
}

}  // namespace

int main() {
  measure("fork, exec, wait of true", 200, plain);
  measure("an empty lab, up and down", 50, [] { supervise([](Supervised&) { return 0; }); });
  return supervise([](Supervised& lab) {
    HostViewPlan plan;
    plan.name = "alice";
    plan.identity = lab.identity(1);
    std::optional<HostView> view;
    measure("a host's files, up", 50, [&] { view.emplace(plan); });
    measure("a host's files, up and down", 50, [&] {
      view.reset();
      view.emplace(plan);
    });
    ProgramPlan program;
    program.arguments = {"/bin/true"};
    program.mounts = view->mounts();
    program.identity = plan.identity;
    measure("a program in a host: true", 200, [&] { Program(program).wait(); });
    program.mounts = -1;
    measure("a tool of the lab: true", 200, [&] { Program(program).wait(); });
    measure("fork, exec, wait of true", 200, plain);
    return 0;
  });
}
