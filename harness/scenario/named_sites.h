#pragma once

#include "harness/scenario/problem.h"
#include "harness/scenario/source.h"
#include "harness/scenario/tree.h"

#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace crypelab::scenario {

// What a file holds, or why it cannot be read; reads no more than a scenario may have, and from regular files only.
struct FileText {
  std::string text;
  std::string problem;
};
FileText read_file(const std::filesystem::path& path);

// The folder scenarios/sites: one site in each file, named as the file is. Holds the text that trees point into.
class NamedSites {
 public:
  explicit NamedSites(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Replaces each site of `root` that is a word by the site of that name.
  void resolve(Node& root, Problems& problems);

 private:
  std::vector<std::string> names() const;
  const std::optional<Node>& tree(const std::string& name, Problems& problems);

  std::filesystem::path folder_;
  std::deque<Source> sources_;
  std::map<std::string, std::optional<Node>> trees_;
};

}  // namespace crypelab::scenario
