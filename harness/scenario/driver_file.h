#pragma once

#include "harness/model/driver.h"

#include <filesystem>

namespace crypelab::scenario {

// Reads a file that says how a client under test is started:
//
//   command: ./client            # below the file's folder, or a name to be found in PATH
//   arguments: [--headless]
//   environment: {LANG: de_DE.UTF-8}
//   secrets: {ACCOUNT: "..."}    # environment, too, whose values never stand in evidence; at least 4 characters
//
// Throws Failure{data} with every complaint, each with file:line:column.
model::Driver read_driver(const std::filesystem::path& path);

}  // namespace crypelab::scenario
