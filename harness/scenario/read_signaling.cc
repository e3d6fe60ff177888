#include "harness/scenario/read_signaling.h"

#include "harness/scenario/read_value.h"

#include <algorithm>
#include <filesystem>

namespace crypelab::scenario {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostProgramWords = 64;
constexpr std::size_t kLongestProgramWord = 1000;
constexpr std::string_view kHere = "{here}";

// A path below the scenario, a path of the machine, or a name.
bool leads_below(const std::string& program) {
  return fs::path(program).has_filename() &&
         std::ranges::none_of(fs::path(program), [](const auto& part) { return part == ".."; });
}

void read_program(const Node& node, model::Signaling& signaling, Problems& problems) {
  const std::size_t before = problems.complaints();
  std::vector<std::string> program;
  for (const Node* item : read_some(node, "a program and its arguments", kMostProgramWords, problems)) {
    auto word = read_text(*item, "a program or an argument", problems);
    if (!word) continue;
    if (word->size() > kLongestProgramWord)
      problems.add(item->at, "this argument is too long", "at most " + std::to_string(kLongestProgramWord) + " bytes");
    program.push_back(std::move(*word));
  }
  if (problems.complaints() != before || program.empty()) return;
  auto& first = program.front();
  if (!leads_below(first)) {
    problems.add(node.at, in_quotes(first) + " is no program",
                 "a path below this file like ./server.py, one of the machine like /opt/vendor/server, or a name");
    return;
  }
  if (first.find('/') != std::string::npos && !first.starts_with('/') && !first.starts_with(kHere))
    first = std::string(kHere) + "/" + fs::path(first).lexically_normal().string();
  const auto here = [](const std::string& word) { return word.find(kHere) != std::string::npos; };
  if (std::ranges::any_of(program, here))
    signaling.folder = fs::absolute(node.at.source->name()).lexically_normal().parent_path();
  signaling.program = std::move(program);
}

}  // namespace

model::Signaling read_signaling(const Node& node, Problems& problems) {
  model::Signaling signaling;
  const Mapping map(node, kSignalingWords, "the signaling server", problems);
  if (!map.ok()) return signaling;
  if (const Node* program = map.find("program")) read_program(*program, signaling, problems);
  if (const Node* certificate = map.find("certificate"))
    assign(signaling.certificate, read_word(*certificate, "a certificate", kServerCertificates, problems));
  if (const Node* key = map.find("key")) assign(signaling.key, read_word(*key, "a kind of key", kServerKeys, problems));
  return signaling;
}

}  // namespace crypelab::scenario
