#include "harness/scenario/driver_file.h"

#include "harness/base/error.h"
#include "harness/scenario/loader.h"
#include "harness/scenario/named_sites.h"
#include "harness/scenario/read_value.h"
#include "harness/scenario/source.h"
#include "harness/scenario/tree.h"

#include <fmt/format.h>

namespace crypelab::scenario {
namespace {

constexpr WordList<4> kDriverWords{"command", "arguments", "environment", "secrets"};
constexpr std::size_t kMostArguments = 256;
constexpr std::size_t kShortestSecret = 4;

std::map<std::string, std::string> read_variables(const Node& node, std::string_view what, Problems& problems) {
  std::map<std::string, std::string> variables;
  if (node.kind != Node::Kind::mapping) {
    problems.add(node.at, fmt::format("expected {}, found {}", what, found(node)), "like {LANG: C.UTF-8}");
    return variables;
  }
  for (const auto& entry : node.entries) {
    if (const auto value = read_text(entry.value, "a value", problems)) variables[entry.key] = *value;
  }
  return variables;
}

}  // namespace

model::Driver read_driver(const std::filesystem::path& path) {
  auto file = read_file(path);
  if (!file.problem.empty()) throw Failure(Exit::data, fmt::format("{}: {}", path.string(), file.problem));
  const Source source(path.string(), std::move(file.text));
  Problems problems;
  model::Driver driver;
  driver.name = path.string();
  driver.folder = std::filesystem::absolute(path).lexically_normal().parent_path();
  if (const auto root = parse_tree(source, problems)) {
    const Mapping map(*root, kDriverWords, "a driver", problems);
    if (const Node* command = map.require("command", "command: ./client")) {
      if (auto text = read_text(*command, "a command", problems)) {
        const bool named = text->find('/') == std::string::npos;
        driver.command = {named ? *text : (std::filesystem::path(driver.folder) / *text).lexically_normal().string()};
      }
    }
    if (const Node* arguments = map.find("arguments")) {
      for (const auto* each : read_some(*arguments, "arguments", kMostArguments, problems)) {
        if (auto text = read_text(*each, "an argument", problems)) driver.command.push_back(std::move(*text));
      }
    }
    if (const Node* environment = map.find("environment"))
      driver.environment = read_variables(*environment, "variables of the environment", problems);
    if (const Node* secrets = map.find("secrets")) {
      driver.secrets = read_variables(*secrets, "secret variables of the environment", problems);
      for (const auto& [name, value] : driver.secrets) {
        if (value.size() < kShortestSecret)
          problems.add(secrets->at, fmt::format("the secret {} is too short to be told apart from other text", name));
      }
    }
  }
  const auto complaints = problems.sorted();
  if (!complaints.empty()) throw Failure(Exit::data, to_string(complaints));
  return driver;
}

}  // namespace crypelab::scenario
