#include "harness/cli/output.h"

#include "harness/base/error.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

namespace crypelab::cli {

void put(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
  throw Failure(Exit::io, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
}

}  // namespace crypelab::cli
