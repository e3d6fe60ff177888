#include "harness/base/error.h"
#include "harness/cli/arguments.h"
#include "harness/cli/commands.h"

#include <cstdio>
#include <exception>

#include <fmt/format.h>

int main(int argc, char** argv) {
  using crypelab::Exit;
  try {
    const auto arguments = crypelab::cli::parse(argc, argv);
    return std::visit([](const auto& command) { return crypelab::cli::run(command); }, arguments);
  } catch (const crypelab::Failure& failure) {
    fmt::print(stderr, "crypelab: {}\n", failure.what());
    return static_cast<int>(failure.exit());
  } catch (const std::exception& error) {
    fmt::print(stderr, "crypelab: a defect of crypelab: {}\n", error.what());
    return static_cast<int>(Exit::software);
  }
}
