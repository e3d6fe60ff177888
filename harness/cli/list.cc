#include "harness/base/error.h"
#include "harness/cli/commands.h"
#include "harness/cli/output.h"
#include "harness/cli/selection.h"
#include "harness/model/describe.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::cli {

int run(const List& command) {
  auto paths = command.paths;
  if (paths.empty()) {
    const auto folder = scenario_folder();
    if (folder.empty()) throw Failure(Exit::usage, "no scenarios found here; name a file or a folder");
    paths.push_back(folder);
  }
  const auto scenarios = select(paths);
  std::size_t width = 0;
  for (const auto& scenario : scenarios) width = std::max(width, scenario.name.size());
  for (const auto& scenario : scenarios) {
    put(fmt::format("{:<{}}  {:<7}  {}\n", scenario.name, width, model::describe(scenario.tier), scenario.title));
  }
  return 0;
}

int run(const Check& command) {
  const auto scenarios = select(command.files);
  put(fmt::format("{} scenario{} without a complaint\n", scenarios.size(), scenarios.size() == 1 ? "" : "s"));
  return 0;
}

}  // namespace crypelab::cli
