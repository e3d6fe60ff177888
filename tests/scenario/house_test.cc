#include "../unit/evidence/temporary_folder.h"
#include "command.h"

#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

// The scenarios of the house, as `crypelab run` judges them with two reference clients.
namespace crypelab::test::house_test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kHouse = CRYPELAB_SOURCE "/scenarios";

// Outcomes and causes by the names of the scenarios.
using Outcomes = std::map<std::string, std::pair<std::string, std::string>>;

Outcomes run_all(std::vector<std::string> words, const fs::path& out) {
  words.insert(words.begin(), "run");
  words.insert(words.end(), {"--tier", "quick", "--out", out});
  const auto finished = crypelab(words, std::chrono::seconds(800));
  Outcomes outcomes;
  if (!fs::exists(out / "run.json")) {
    ADD_FAILURE() << finished.status << "\n" << finished.out << finished.err;
    return outcomes;
  }
  const auto record = boost::json::parse(evidence::contents(out / "run.json"));
  for (const auto& attempt : record.at("attempts").as_array()) {
    outcomes[std::string(attempt.at("scenario").as_string())] = {std::string(attempt.at("outcome").as_string()),
                                                                 std::string(attempt.at("why").as_string())};
  }
  return outcomes;
}

// All in one run: most of it is waiting, and what waits long does so beside everything else.
TEST(House, every_quick_scenario_ends_as_it_expects) {
  std::size_t quick = 0;
  std::istringstream lines(crypelab({"list", kHouse}).out);
  for (std::string name, tier, rest; lines >> name >> tier && std::getline(lines, rest);)
    quick += tier == "quick" ? 1 : 0;
  ASSERT_GT(quick, 200U);
  const evidence::TemporaryFolder folder;
  const auto outcomes = run_all({kHouse, "-j", "24"}, folder.path() / "all");
  EXPECT_EQ(outcomes.size(), quick);
  int again = 0;
  for (const auto& [name, found] : outcomes) {
    auto [outcome, why] = found;
    // Inconclusive says nothing about the client, and a busy machine may lose packets of the capture: once more, alone.
    if (outcome == "inconclusive") {
      const auto alone = run_all({name}, folder.path() / std::to_string(++again));
      if (alone.contains(name)) std::tie(outcome, why) = alone.at(name);
    }
    EXPECT_EQ(outcome, "pass") << name << ": " << outcome << ": " << why;
  }
}

}  // namespace
}  // namespace crypelab::test::house_test
