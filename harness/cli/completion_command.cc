#include "harness/cli/commands.h"
#include "harness/cli/completion.h"
#include "harness/cli/output.h"

#include <fmt/format.h>

namespace crypelab::cli {

int run(const Completion& command) {
  put(completion_script(command.shell, option_help()));
  return 0;
}

int run(const Print& command) {
  put(command.text);
  return 0;
}

}  // namespace crypelab::cli
