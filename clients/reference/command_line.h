#pragma once

#include "harness/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace crypelab::client {

inline constexpr std::string_view version = "0.1.0";
inline constexpr int exit_unsupported = 127;  // the contract's word for "not with me"

struct CommandLine {
  unsigned sessions = 1;
  std::string answer;  // to print instead of running
};

// "--sessions N", "--list-misbehaviours", "--version", "--help".
Result<CommandLine> read_command_line(const std::vector<std::string>& arguments);

// What this client says that it can do: `hello`.
std::vector<std::string> features();

}  // namespace crypelab::client
