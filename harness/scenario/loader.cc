#include "harness/scenario/loader.h"

#include "harness/scenario/cases.h"
#include "harness/scenario/meaning.h"
#include "harness/scenario/named_sites.h"
#include "harness/scenario/read_client.h"
#include "harness/scenario/read_expect.h"
#include "harness/scenario/read_job.h"
#include "harness/scenario/read_site.h"
#include "harness/scenario/read_steps.h"
#include "harness/scenario/read_turn.h"
#include "harness/scenario/read_value.h"

#include <algorithm>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMostSites = 64;
constexpr std::size_t kMostClients = 1000;
constexpr std::size_t kMostReferences = 50;
constexpr std::size_t kLongestScenarioName = 128;
constexpr std::size_t kLongestTitle = 120;

bool is_scenario_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestScenarioName) return false;
  char before = '/';
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!letter && c != '-' && c != '/') return false;
    if (!letter && before == '/') return false;
    before = c;
  }
  return before != '/';
}

std::string read_scenario_name(const Node& node, Problems& problems) {
  if (!expect_scalar(node, "the name of the scenario", problems)) return "";
  if (is_scenario_name(node.text)) return node.text;
  problems.add(node.at, in_quotes(node.text) + " cannot name a scenario",
               "a name has small letters, digits, '-' and, between its parts, '/': nat/s03");
  return "";
}

// A mapping of named things; says how many there may be.
const Node* find_named(const Mapping& map, std::string_view key, std::string_view example, std::size_t most,
                       Problems& problems) {
  const Node* node = map.require(key, example);
  if (node == nullptr) return nullptr;
  if (node->kind != Node::Kind::mapping || node->entries.empty()) {
    problems.add(node->at,
                 "expected a mapping of " + std::string(key) + ", found " +
                     (node->entries.empty() && node->kind == Node::Kind::mapping ? "an empty one" : found(*node)),
                 "write it like " + std::string(example));
    return nullptr;
  }
  if (node->entries.size() > most) {
    problems.add(node->at, "more than " + std::to_string(most) + " " + std::string(key));
    return nullptr;
  }
  return node;
}

void read_head(const Mapping& map, model::Scenario& scenario, Problems& problems) {
  if (const Node* name = map.require("scenario", "scenario: nat/s03"))
    scenario.name = read_scenario_name(*name, problems);
  if (const Node* title = map.require("title", "title: Both behind a NAT")) {
    assign(scenario.title, read_text(*title, "a title", problems));
    if (scenario.title.size() > kLongestTitle || scenario.title.find('\n') != std::string::npos) {
      problems.add(title->at, "a title is one line of at most " + std::to_string(kLongestTitle) + " characters",
                   "the rest belongs under proves:");
    }
  }
  if (const Node* proves = map.find("proves")) assign(scenario.proves, read_text(*proves, "text", problems));
  if (const Node* references = map.find("references")) {
    for (const Node* item : read_some(*references, "references", kMostReferences, problems)) {
      if (auto text = read_text(*item, "a reference", problems)) scenario.references.push_back(std::move(*text));
    }
  }
  if (const Node* tier = map.find("tier")) assign(scenario.tier, read_word(*tier, "a tier", kTiers, problems));
}

void read_clients(const Node& clients, model::Scenario& scenario, Problems& problems) {
  std::vector<std::string_view> sites;
  for (const auto& site : scenario.sites) sites.push_back(site.name);
  for (const auto& entry : clients.entries) {
    if (!check_name(entry.key, entry.at, "a client", problems)) continue;
    if (model::find_site(scenario, entry.key) != nullptr) {
      problems.add(entry.at, in_quotes(entry.key) + " names a site already", "one name, one thing");
      continue;
    }
    scenario.clients.push_back(read_client(entry.key, entry.value, sites, problems));
  }
}

model::Scenario read_scenario(const Case& one, const std::string& file, Problems& problems) {
  model::Scenario scenario;
  scenario.file = file;
  const std::size_t before = problems.complaints();
  const Mapping map(one.tree, kScenarioWords, "a scenario", problems);
  if (!map.ok()) return scenario;
  read_head(map, scenario, problems);
  scenario.world = read_world(one.tree, problems);
  if (!one.name.empty()) scenario.name += "/" + one.name;
  const Node* sites = find_named(map, "sites", "sites: {office: {nat: {}}}", kMostSites, problems);
  const Node* clients = find_named(map, "clients", "clients: {alice: {site: office}}", kMostClients, problems);
  if (sites != nullptr) {
    for (const auto& entry : sites->entries) {
      // A site that cannot be named, or was refused, still counts as known: one complaint is enough.
      check_name(entry.key, entry.at, "a site", problems);
      scenario.sites.push_back(
          read_site(entry.key, entry.value, static_cast<unsigned>(scenario.sites.size()), problems));
    }
  }
  if (clients != nullptr && sites != nullptr) read_clients(*clients, scenario, problems);
  if (const Node* steps = map.find("steps"); steps != nullptr && sites != nullptr && clients != nullptr) {
    scenario.steps = read_steps(*steps, scenario, problems);
  }
  if (const Node* work = map.find("work")) scenario.work = read_work(*work, problems);
  if (const Node* expect = map.find("expect"); expect != nullptr && sites != nullptr && clients != nullptr)
    scenario.expectations = read_expect(*expect, scenario, problems);
  // Meaning is judged where the words are right: a half-read scenario would draw complaints about what is not wrong.
  if (problems.complaints() == before && sites != nullptr && clients != nullptr)
    if (problems.complaints() == before && sites != nullptr && clients != nullptr && !one.words_only) {
      problems.set_context(one.name.empty() ? "" : "case " + in_quotes(one.name));
      check_meaning(scenario, one.tree, problems);
      problems.set_context("");
    }
  return scenario;
}

}  // namespace

std::filesystem::path sites_folder_of(const std::filesystem::path& file) {
  std::error_code error;
  auto folder = std::filesystem::weakly_canonical(file, error).parent_path();
  while (!error && !folder.empty()) {
    if (std::filesystem::is_directory(folder / "sites", error)) {
      // Messages name files the way the scenario was named.
      return file.is_absolute() ? folder / "sites" : std::filesystem::proximate(folder / "sites", error);
    }
    error.clear();
    if (folder == folder.parent_path()) break;
    folder = folder.parent_path();
  }
  return {};
}

Loaded parse(const std::string& text, const std::string& name, const std::filesystem::path& sites_folder) {
  Loaded loaded;
  Problems problems;
  const Source source(name, text);
  NamedSites named_sites(sites_folder);
  if (auto root = parse_tree(source, problems)) {
    if (root->kind == Node::Kind::mapping) named_sites.resolve(*root, problems);
    for (auto& one : expand_cases(*root, problems)) {
      named_sites.resolve(one.tree, problems);
      loaded.scenarios.push_back(read_scenario(one, name, problems));
    }
  }
  loaded.problems = problems.sorted();
  if (!loaded.ok()) loaded.scenarios.clear();
  return loaded;
}

Loaded load(const std::filesystem::path& path) {
  auto file = read_file(path);
  if (file.problem.empty()) return parse(file.text, path.string(), sites_folder_of(path));
  Loaded loaded;
  Problem problem;
  problem.file = printable(path.string());
  problem.message = file.problem;
  loaded.problems.push_back(std::move(problem));
  return loaded;
}

std::string to_string(const std::vector<Problem>& problems) {
  std::string text;
  for (const auto& problem : problems) text += to_string(problem);
  return text;
}

}  // namespace crypelab::scenario
