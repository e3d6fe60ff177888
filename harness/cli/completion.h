#pragma once

#include "harness/cli/arguments.h"

#include <string>
#include <vector>

namespace crypelab::cli {

// The completion script of "bash" or "zsh", made from the grammar itself, so that it cannot fall behind it: commands,
// their options, the words of --as, scenario names (asked of `crypelab list`), and behind -- whatever the shell
// completes itself.
std::string completion_script(const std::string& shell, const std::vector<OptionHelp>& help);

}  // namespace crypelab::cli
