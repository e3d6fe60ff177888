#include "harness/scenario/read_pac.h"

#include "harness/scenario/named_sites.h"
#include "harness/scenario/read_value.h"

#include <algorithm>
#include <filesystem>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kLongestPath = 200;
constexpr Duration kLongestDelay = std::chrono::minutes(5);

// Beside the scenario or below it: a scenario that was sent by somebody does not read this machine's other files.
bool stays_below(const std::filesystem::path& path) {
  return path.is_relative() && path.has_filename() && path.native().size() <= kLongestPath &&
         std::ranges::none_of(path, [](const auto& part) { return part == ".."; });
}

std::optional<std::string> read_content(const Node& node, Problems& problems) {
  const auto name = read_text(node, "the name of a file", problems);
  if (!name) return std::nullopt;
  if (!stays_below(*name)) {
    problems.add(node.at, in_quotes(*name) + " is not a file beside this one",
                 "a relative path without '..', like customer.pac");
    return std::nullopt;
  }
  auto file = read_file(std::filesystem::path(node.at.source->name()).parent_path() / *name);
  if (file.problem.empty() && file.text.size() > kMostBytes) file.problem = "the file is larger than 1 MiB";
  if (file.problem.empty() && file.text.empty()) file.problem = "the file is empty";
  if (file.problem.empty()) return std::move(file.text);
  problems.add(node.at, in_quotes(*name) + ": " + file.problem, "it is looked for beside this file");
  return std::nullopt;
}

}  // namespace

std::optional<model::Pac> read_pac(const Node& node, Problems& problems) {
  const Mapping map(node, kPacWords, "a PAC file", problems);
  if (!map.ok()) return std::nullopt;
  model::Pac pac;
  const bool file = node.find("file") != nullptr;
  const bool script = node.find("script") != nullptr;
  if (file && script) {
    problems.add(place_of_key(node, {"script"}), "'script' beside 'file'", "one of them says what is served");
  } else if (!file && !script) {
    problems.add(node.at, "a PAC file without content", "name one: file: customer.pac, or write it: script: |");
  } else if (const Node* name = map.find("file")) {
    assign(pac.content, read_content(*name, problems));
  } else if (const Node* text = map.find("script"); text != nullptr && read_text(*text, "a script", problems)) {
    pac.content = text->text;
  }
  if (const Node* wpad = map.find("wpad")) assign(pac.wpad, read_boolean(*wpad, problems));
  if (const Node* delay = map.find("delay"))
    assign(pac.delay, read_duration(*delay, "a delay", {Duration(0), kLongestDelay}, problems));
  if (const Node* state = map.find("state"))
    assign(pac.state, read_word(*state, "a state of a server", kServerStates, problems));
  return pac;
}

}  // namespace crypelab::scenario
