#include "harness/base/error.h"
#include "harness/cli/commands.h"
#include "harness/cli/selection.h"
#include "harness/lab/lab.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

namespace crypelab::cli {
namespace {

using namespace std::chrono_literals;

std::string chosen_host(const model::Scenario& scenario, const blueprint::Blueprint& plan, const std::string& wanted) {
  const std::string name = wanted.empty() ? scenario.clients.front().name : wanted;
  if (blueprint::find_host(plan, name) != nullptr) return name;
  std::string known;
  for (const auto& host : plan.hosts) known += (known.empty() ? "" : ", ") + host.name;
  throw Failure(Exit::usage, fmt::format("there is no host '{}' in {}; there are {}", name, scenario.name, known));
}

}  // namespace

int run(const Exec& command) {
  const auto scenario = select_one(command.scenario);
  const auto plan = blueprint::draw(scenario);
  const auto host = chosen_host(scenario, plan, command.host);
  lab::require_programs(plan);
  const std::string here = std::filesystem::current_path();
  return kernel::supervise([&](kernel::Supervised& supervised) {
    const bool visible = kernel::may_be_visible(here);
    lab::Lab lab(plan, supervised, visible ? std::vector<std::string>{here} : std::vector<std::string>{});
    lab::HostProgram program{.arguments = command.command,
                             .directory = visible ? here : "",
                             .descriptors = {0, 1, 2},
                             .privileged = command.privileged};
    if (const char* terminal = std::getenv("TERM")) program.environment["TERM"] = terminal;
    auto running = lab.start(host, program);
    lab.start_steps();
    bool asked_to_end = false;
    lab.loop().watch(supervised.end_descriptor(), [&] { asked_to_end = true; });
    lab.loop().watch(running.descriptor(), [] {});
    std::optional<kernel::ProgramStatus> status;
    lab.loop().run_until([&] {
      status = running.poll();
      return status.has_value() || asked_to_end;
    });
    if (!status) {
      running.terminate(2s);
      return 128 + supervised.end_signal();
    }
    if (status->kind == kernel::ProgramStatus::Kind::not_started) {
      fmt::print(stderr, "crypelab: {}: {}\n", command.command.front(), status->text());
    }
    for (const auto& casualty : lab.casualties()) fmt::print(stderr, "crypelab: {}\n", casualty);
    return status->exit_status();
  });
}

}  // namespace crypelab::cli
