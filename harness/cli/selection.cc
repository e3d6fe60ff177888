#include "harness/cli/selection.h"

#include "harness/base/error.h"
#include "harness/scenario/loader.h"
#include "harness/scenario/spelling.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::cli {
namespace {

namespace fs = std::filesystem;

// Scenario files below a folder, in a fixed order. Sites are parts of scenarios, not scenarios.
std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::recursive_directory_iterator(); ++entry) {
    if (entry->is_directory() && entry->path().filename() == "sites") entry.disable_recursion_pending();
    if (entry->is_regular_file() && entry->path().extension() == ".yaml") files.push_back(entry->path());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<model::Scenario> load_all(const std::vector<fs::path>& files) {
  std::vector<model::Scenario> scenarios;
  std::vector<scenario::Problem> problems;
  for (const auto& file : files) {
    auto loaded = scenario::load(file);
    std::ranges::move(loaded.problems, std::back_inserter(problems));
    std::ranges::move(loaded.scenarios, std::back_inserter(scenarios));
  }
  if (!problems.empty()) {
    throw Failure(Exit::data, fmt::format("{} complaint{}\n{}", problems.size(), problems.size() == 1 ? "" : "s",
                                          scenario::to_string(problems)));
  }
  std::ranges::sort(scenarios, {}, &model::Scenario::name);
  const auto twin = std::ranges::adjacent_find(scenarios, {}, &model::Scenario::name);
  if (twin != scenarios.end()) {
    throw Failure(Exit::data, fmt::format("two scenarios are called '{}': in {} and in {}", twin->name, twin->file,
                                          std::next(twin)->file));
  }
  return scenarios;
}

// Beside the installed program, or beside the sources that it was built from.
fs::path own_scenarios() {
  std::error_code error;
  const auto own = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* beside : {"../share/crypelab/scenarios", "../../../scenarios"}) {
    auto folder = (own / beside).lexically_normal();
    if (fs::is_directory(folder, error)) return folder;
  }
  return {};
}

}  // namespace

std::string scenario_folder() {
  std::error_code error;
  if (fs::is_directory("scenarios", error)) return "scenarios";
  return own_scenarios();
}

bool comes_with_program(const std::string& file) {
  const auto folder = own_scenarios();
  std::error_code error;
  const auto path = fs::weakly_canonical(file, error).string();
  return !folder.empty() && !error && path.starts_with(fs::weakly_canonical(folder, error).string() + "/");
}

std::vector<model::Scenario> select(const std::vector<std::string>& paths) {
  std::vector<fs::path> files;
  for (const auto& path : paths) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      std::ranges::move(files_below(path), std::back_inserter(files));
    } else if (fs::exists(path, error)) {
      files.emplace_back(path);
    } else {
      throw Failure(Exit::usage, fmt::format("'{}' is neither a file nor a folder", path));
    }
  }
  if (files.empty()) throw Failure(Exit::usage, fmt::format("no scenario file in {}", fmt::join(paths, ", ")));
  return load_all(files);
}

model::Scenario select_one(const std::string& name) {
  std::error_code error;
  std::vector<model::Scenario> scenarios;
  if (fs::is_regular_file(name, error)) {
    scenarios = load_all({name});
    if (scenarios.size() == 1) return scenarios.front();
    std::vector<std::string> cases;
    for (const auto& scenario : scenarios) cases.push_back(scenario.name);
    throw Failure(Exit::usage, fmt::format("'{}' holds {} scenarios; name one of them: {}", name, cases.size(),
                                           fmt::join(cases, ", ")));
  }
  const auto folder = scenario_folder();
  if (name.ends_with(".yaml") || folder.empty()) throw Failure(Exit::usage, fmt::format("there is no file '{}'", name));
  // A scenario that comes with the program is called after its file: others, and their mistakes, do not matter.
  for (fs::path stem = name; stem.has_relative_path() && !stem.is_absolute(); stem = stem.parent_path()) {
    const auto file = fs::path(folder) / (stem.string() + ".yaml");
    if (!fs::is_regular_file(file, error)) continue;
    scenarios = load_all({file});
    const auto found = std::ranges::find(scenarios, name, &model::Scenario::name);
    if (found != scenarios.end()) return std::move(*found);
  }
  scenarios = load_all(files_below(folder));
  std::vector<std::string> names;
  for (auto& scenario : scenarios) {
    if (scenario.name == name) return std::move(scenario);
    names.push_back(scenario.name);
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto near = scenario::did_you_mean(name, known);
  throw Failure(Exit::usage, fmt::format("there is no scenario '{}'{}; 'crypelab list' shows them all", name,
                                         near.empty() ? "" : ": " + near));
}

}  // namespace crypelab::cli
