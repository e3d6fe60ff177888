#include "harness/cli/judging.h"

#include "harness/base/error.h"
#include "harness/evidence/attempt_reader.h"
#include "harness/scenario/loader.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::cli {

model::Judgement judge_folder(const std::filesystem::path& folder, const judge::Options& options) {
  const auto attempt = evidence::read_attempt(folder);
  const auto file = folder / attempt.scenario_file;
  const auto loaded = scenario::load(file);
  if (!loaded.ok()) throw Failure(Exit::data, scenario::to_string(loaded.problems));
  const auto found = std::ranges::find(loaded.scenarios, attempt.scenario, &model::Scenario::name);
  if (found == loaded.scenarios.end()) {
    throw Failure(Exit::data, fmt::format("{}: it holds no scenario '{}'", file.string(), attempt.scenario));
  }
  return judge::judge(*found, attempt, options);
}

}  // namespace crypelab::cli
