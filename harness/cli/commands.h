#pragma once

#include "harness/cli/arguments.h"

namespace crypelab::cli {

// One file per subcommand. Each returns the exit status of the program, and throws Failure for what the lab could not
// do.
int run(const Print& command);
int run(const Doctor& command);
int run(const List& command);
int run(const Check& command);
int run(const Show& command);
int run(const Exec& command);
int run(const Shell& command);
int run(const Measure& command);
int run(const Run& command);
int run(const Judge& command);
int run(const Explain& command);
int run(const Completion& command);

}  // namespace crypelab::cli
