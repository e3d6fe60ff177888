#pragma once

#include "harness/model/scenario.h"
#include "harness/scenario/problem.h"

#include <filesystem>
#include <string>
#include <vector>

namespace crypelab::scenario {

// The scenarios of one file, or every complaint about it: never both.
struct Loaded {
  std::vector<model::Scenario> scenarios;  // several when the file has cases
  std::vector<Problem> problems;
  bool ok() const { return problems.empty(); }
};

// Reads the language of scenarios/README.md. Named sites ("office: corporate-https-only") are looked for in the nearest
// folder `sites` beside or above the file. What cannot be read at all (absent, no file, too large) is a problem, too.
Loaded load(const std::filesystem::path& path);

// The same for text in memory; `name` stands for the file in messages. Without `sites_folder` there are no named sites.
Loaded parse(const std::string& text, const std::string& name, const std::filesystem::path& sites_folder = {});

// The nearest folder `sites` beside or above a file; empty when there is none.
std::filesystem::path sites_folder_of(const std::filesystem::path& file);

// All complaints, each as to_string() has it.
std::string to_string(const std::vector<Problem>& problems);

}  // namespace crypelab::scenario
