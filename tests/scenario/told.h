#pragma once

#include "harness/kernel/supervisor.h"

#include <functional>
#include <string>

namespace crypelab::test {

// What ran in a process tree of its own left behind: its exit status, and all that it wrote.
struct Told {
  int status = -1;
  std::string text;
};

// `body` under a supervisor. `output` is a file that any user may write to: nobody reads while it runs, however much it
// is.
Told told_by(const std::function<int(kernel::Supervised&, int output)>& body);

// Writes all of it, or throws Failure.
void write_all(int to, std::string_view text);

}  // namespace crypelab::test
