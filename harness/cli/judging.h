#pragma once

#include "harness/judge/judge.h"

#include <filesystem>

namespace crypelab::cli {

// Judges the evidence in the folder of an attempt, by the scenario that lies there, too. Throws Failure{data} when
// either is missing, damaged or of a newer version.
model::Judgement judge_folder(const std::filesystem::path& folder, const judge::Options& options);

}  // namespace crypelab::cli
