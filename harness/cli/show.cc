#include "harness/blueprint/drawing.h"
#include "harness/blueprint/print.h"
#include "harness/cli/commands.h"
#include "harness/cli/output.h"
#include "harness/cli/selection.h"

#include <fmt/format.h>

namespace crypelab::cli {

int run(const Show& command) {
  const auto scenario = select_one(command.scenario);
  const auto plan = blueprint::draw(scenario);
  switch (command.form) {
    case Form::text:
      put(blueprint::as_text(plan));
      break;
    case Form::svg:
      put(blueprint::as_svg(scenario, plan));
      break;
    case Form::graphviz:
      put(blueprint::as_graphviz(plan));
      break;
    case Form::rules:
      put(blueprint::as_rules(plan));
      break;
  }
  return 0;
}

}  // namespace crypelab::cli
