#include "harness/base/error.h"
#include "harness/faults/commands.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>

#include <fmt/format.h>

namespace {

using namespace crypelab;

struct Command {
  std::string_view name;
  int (*run)(const std::vector<std::string>& arguments);
};

constexpr Command kCommands[] = {
    {"dns", faults::run_dns},
    {"files", faults::run_files},
    {"intercept", faults::run_intercept},
    {"portal", faults::run_portal},
    {"proxy", faults::run_proxy},
    {"ntlm-helper", faults::run_ntlm_helper},
    {"request-log", faults::run_request_log},
    {"turn", faults::run_turn},
};

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::string_view name = argc > 1 ? argv[1] : "";
    const auto* command = std::ranges::find(kCommands, name, &Command::name);
    if (command == std::end(kCommands)) throw Failure(Exit::usage, fmt::format("there is no command '{}'", name));
    return command->run({argv + 2, argv + argc});
  } catch (const Failure& failure) {
    fmt::print(stderr, "crypelab-faults: {}\n", failure.what());
    return static_cast<int>(failure.exit());
  } catch (const std::exception& error) {
    fmt::print(stderr, "crypelab-faults: {}\n", error.what());
    return static_cast<int>(Exit::software);
  }
}
