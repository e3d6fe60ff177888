#pragma once

#include "harness/model/driver.h"

#include <string>
#include <vector>

namespace crypelab::cli {

// The driver that somebody asked for: an executable; the name of an adapter that comes with the program; a file that
// says how it is started (*.yaml, *.json); or "crypelab-client", the reference client. Whether an executable can be
// started is seen when it is. Throws Failure{usage} for a name that is none, Failure{data} for a bad file.
model::Driver find_driver(const std::string& text);

// The adapters that come with the program, by name: clients/adapters beside the sources, or as they were installed.
std::vector<std::string> adapters();

inline constexpr const char* kReferenceDriver = "crypelab-client";

}  // namespace crypelab::cli
