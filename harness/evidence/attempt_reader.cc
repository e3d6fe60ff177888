#include "harness/evidence/attempt_reader.h"

#include "harness/base/error.h"
#include "harness/evidence/evidence_json.h"
#include "harness/evidence/packet_file.h"

#include <algorithm>
#include <string>
#include <tuple>

#include <fmt/format.h>

namespace crypelab::evidence {

namespace fs = std::filesystem;

Attempt read_attempt(const fs::path& folder) {
  Attempt attempt;
  {
    const auto file = folder / kEvidenceFile;
    const auto memory = Memory::map(file);
    attempt = decode(wire::text_of(memory.bytes()), file.string());
  }
  if (attempt.captured) read_packets(folder / kCaptureFile, attempt);
  return attempt;
}

std::vector<fs::path> attempts_below(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) throw Failure(Exit::data, fmt::format("{}: not a folder", folder.string()));
  std::vector<fs::path> found;
  if (fs::exists(folder / kEvidenceFile, error)) found.push_back(folder);
  for (const auto& entry : fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied)) {
    if (entry.path().filename() == kEvidenceFile && entry.path().parent_path() != folder) {
      found.push_back(entry.path().parent_path());
    }
  }
  if (found.empty())
    throw Failure(Exit::data, fmt::format("{}: no evidence here ({})", folder.string(), kEvidenceFile));
  // "attempt-10" comes after "attempt-9".
  std::ranges::sort(found, {}, [](const fs::path& path) {
    const auto name = path.filename().string();
    return std::tuple(path.parent_path().string(), name.size(), name);
  });
  return found;
}

}  // namespace crypelab::evidence
