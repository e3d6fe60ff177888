#include "harness/scenario/loader.h"
#include "harness/scenario/vocabulary.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <vector>

#include <gtest/gtest.h>

// The files of the repository: the scenarios themselves, the good and the bad examples, the language reference.
namespace crypelab::scenario::files_test {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = CRYPELAB_SOURCE;

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> yaml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  EXPECT_FALSE(files.empty()) << folder;
  return files;
}

bool is_named_site(const fs::path& path) { return path.parent_path().filename() == "sites"; }

// Messages name the file as it is seen from its folder, so that they are the same on every machine.
Loaded load_example(const fs::path& path) {
  fs::current_path(path.parent_path());  // files that it names lie there
  auto loaded = parse(text_of(path), path.filename().string(), path.parent_path() / "sites");
  const std::string folder = path.parent_path().string() + "/";
  for (auto& problem : loaded.problems) {
    if (problem.file.starts_with(folder)) problem.file.erase(0, folder.size());
  }
  return loaded;
}

std::set<std::string> all_names() {
  std::set<std::string> names;
  for (const auto& path : yaml_files(kRoot / "scenarios")) {
    if (is_named_site(path)) continue;
    for (const auto& scenario : load(path).scenarios) names.insert(scenario.name);
  }
  return names;
}

TEST(ScenarioFiles, every_scenario_loads_and_is_named_as_its_file) {
  std::set<std::string> names;
  for (const auto& path : yaml_files(kRoot / "scenarios")) {
    if (is_named_site(path)) continue;
    const auto loaded = load(path);
    ASSERT_EQ(to_string(loaded.problems), "");
    const auto expected = fs::relative(path, kRoot / "scenarios").replace_extension().string();
    for (const auto& scenario : loaded.scenarios) {
      const bool is_case = loaded.scenarios.size() > 1;
      EXPECT_EQ(is_case ? scenario.name.substr(0, scenario.name.rfind('/')) : scenario.name, expected);
      EXPECT_TRUE(names.insert(scenario.name).second) << scenario.name;
      EXPECT_FALSE(scenario.proves.empty()) << path;
      EXPECT_FALSE(scenario.references.empty()) << path;
    }
  }
  EXPECT_GE(names.size(), 200U);
}

TEST(ScenarioFiles, every_named_site_loads) {
  for (const auto& path : yaml_files(kRoot / "scenarios" / "sites")) {
    const std::string text =
        "scenario: a\ntitle: A\nsites: {x: " + path.stem().string() + "}\nclients: {c: {site: x}}\n";
    EXPECT_EQ(to_string(parse(text, "test.yaml", kRoot / "scenarios" / "sites").problems), "");
  }
}

TEST(ScenarioFiles, good_examples_load) {
  for (const auto& path : yaml_files(kRoot / "fixtures/scenarios/good")) {
    if (is_named_site(path)) continue;
    EXPECT_EQ(to_string(load_example(path).problems), "") << path;
  }
}

// CRYPELAB_REWRITE_EXPECTED=1 writes the messages as they are now; they are then to be read, as any other change.
void expect_messages(const fs::path& folder) {
  for (const auto& path : yaml_files(folder)) {
    if (is_named_site(path)) continue;
    const auto loaded = load_example(path);
    EXPECT_FALSE(loaded.ok()) << path;
    EXPECT_TRUE(loaded.scenarios.empty()) << path;
    const auto expected = fs::path(path).replace_extension(".expected");
    if (std::getenv("CRYPELAB_REWRITE_EXPECTED") != nullptr) {
      std::ofstream(expected, std::ios::binary) << to_string(loaded.problems);
      ADD_FAILURE() << "rewritten: " << expected;
      continue;
    }
    EXPECT_EQ(to_string(loaded.problems), text_of(expected)) << path;
  }
}

TEST(ScenarioFiles, bad_examples_draw_exactly_the_expected_messages) {
  expect_messages(kRoot / "fixtures/scenarios/bad");
}

TEST(ScenarioFiles, what_no_schema_can_say_draws_exactly_the_expected_messages) {
  expect_messages(kRoot / "fixtures/scenarios/bad-meaning");
}

TEST(ScenarioFiles, every_word_stands_in_the_reference_and_in_the_schema) {
  const std::string reference = text_of(kRoot / "scenarios/README.md");
  const std::string schema = text_of(kRoot / "scenarios/schema.json");
  for (const auto word : vocabulary()) {
    EXPECT_NE(reference.find("`" + std::string(word) + "`"), std::string::npos) << word;
    EXPECT_NE(schema.find('"' + std::string(word) + '"'), std::string::npos) << word;
  }
}

// The examples in YAML that stand in a document.
std::vector<std::string> examples_in(const fs::path& document) {
  const std::string text = text_of(document);
  const std::string opening = "```yaml\n";
  std::vector<std::string> examples;
  for (std::size_t at = text.find(opening); at != std::string::npos; at = text.find(opening, at)) {
    at += opening.size();
    const std::size_t end = text.find("```", at);
    EXPECT_NE(end, std::string::npos);
    examples.push_back(text.substr(at, end - at));
  }
  return examples;
}

// The examples of the reference are read by the loader, too.
TEST(ScenarioFiles, every_example_of_the_reference_loads) {
  const auto examples = examples_in(kRoot / "scenarios/README.md");
  for (const auto& example : examples)
    EXPECT_EQ(to_string(parse(example, "README.md", kRoot / "scenarios/sites").problems), "");
  EXPECT_GE(examples.size(), 3U);
}

TEST(ScenarioFiles, the_example_of_the_first_page_is_a_scenario_of_the_house) {
  const auto examples = examples_in(kRoot / "README.md");
  ASSERT_FALSE(examples.empty());
  EXPECT_EQ(examples.front(), text_of(kRoot / "scenarios/udp/blocked.yaml"));
}

// What a reader of the first page types: `$ crypelab COMMAND NAME`, where a name of ours has a '/'.
TEST(ScenarioFiles, every_scenario_that_the_first_page_names_is_there) {
  const auto names = all_names();
  std::istringstream lines(text_of(kRoot / "README.md"));
  int seen = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto command = line.find("$ crypelab ");
    if (command == std::string::npos) continue;
    std::istringstream words(line.substr(command + 11, line.find('#', command) - command - 11));
    for (std::string word; words >> word && word != "--";) {
      const std::string runs = "crypelab-runs/TIME/";
      if (word.starts_with(runs)) word.erase(0, runs.size());
      if (word.find('/') == std::string::npos || word.find("=./") != std::string::npos) continue;
      EXPECT_TRUE(names.contains(word)) << line;
      ++seen;
    }
  }
  EXPECT_GE(seen, 5);
}

}  // namespace
}  // namespace crypelab::scenario::files_test
