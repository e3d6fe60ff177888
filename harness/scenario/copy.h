#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crypelab::scenario {

// A file of a scenario, as it may be given away.
struct CopiedFile {
  std::string name;  // relative: "scenario.yaml", "sites/corporate.yaml", "customer.pac"
  std::string text;
};

// The scenario file as "scenario.yaml", and what it reads besides: its named sites and PAC files. Together in a folder
// they load as the original does. Instead of passwords they have words that stand for them: the same one for the same
// password. Throws Failure{data} when something cannot be read.
std::vector<CopiedFile> copy(const std::filesystem::path& path);

}  // namespace crypelab::scenario
