#pragma once

#include "harness/base/descriptor.h"
#include "harness/evidence/attempt.h"
#include "harness/evidence/redaction.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace crypelab::evidence {

// The folder that a run writes into, held until the object is gone: nobody else writes there meanwhile.
class RunFolder {
 public:
  // Makes it, with its parents. Throws Failure{exists} when there is something in it already or another run holds it,
  // Failure{io} when it cannot be made.
  explicit RunFolder(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  // Where an attempt at a scenario belongs: "SCENARIO/attempt-1".
  std::filesystem::path attempt(const std::string& scenario, unsigned number) const;

 private:
  std::filesystem::path path_;
  Descriptor lock_;
};

// Makes the folder of an attempt, which must not be there. Throws Failure{exists}, Failure{io}.
void make_attempt_folder(const std::filesystem::path& folder);

// A file below the folder of an attempt, with its parents. Never replaces one: throws Failure{io}.
void put_file(const std::filesystem::path& folder, const std::string& name, std::string_view text);

// Writes evidence.json: the last thing that an attempt does. Throws Failure{io}.
void put_evidence(const std::filesystem::path& folder, const Attempt& attempt, const Redaction& redaction);

}  // namespace crypelab::evidence
