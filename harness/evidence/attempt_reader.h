#pragma once

#include "harness/evidence/attempt.h"

#include <filesystem>
#include <vector>

namespace crypelab::evidence {

inline constexpr const char* kEvidenceFile = "evidence.json";
inline constexpr const char* kCaptureFile = "packets.pcapng";
inline constexpr const char* kScenarioFile = "scenario/scenario.yaml";

// Reads the folder of an attempt. Throws Failure{data} with file and position when something is missing, damaged or of
// a newer version.
Attempt read_attempt(const std::filesystem::path& folder);

// The folders of all attempts in `folder` and below it, in order of name and number. Throws Failure{data} when there
// are none.
std::vector<std::filesystem::path> attempts_below(const std::filesystem::path& folder);

}  // namespace crypelab::evidence
