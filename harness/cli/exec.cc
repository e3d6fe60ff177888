#include "harness/cli/commands.h"
#include "harness/cli/selection.h"
#include "harness/lab/front.h"

namespace crypelab::cli {

int run(const Exec& command) {
  const auto plan = blueprint::draw(select_one(command.scenario));
  return lab::run_in_front(plan, {command.host, command.privileged, command.command, command.events});
}

int run(const Shell& command) {
  const auto scenario = select_one(command.scenario);
  const lab::FrontRequest request{command.host, command.privileged, {}};
  if (const auto status = lab::run_attached(scenario.name, request)) return *status;
  return lab::run_in_front(blueprint::draw(scenario), request);
}

}  // namespace crypelab::cli
