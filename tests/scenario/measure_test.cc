#include "command.h"
#include "harness/blueprint/blueprint.h"
#include "harness/lab/lab.h"
#include "harness/lab/measurement.h"
#include "harness/scenario/loader.h"
#include "told.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace crypelab::test::measure_test {
namespace {

// alice -- office.edge (drops UDP to 3478) -- internet -- reflector
constexpr const char* kBlocked = R"(
scenario: test/blocked
title: UDP to 3478 is dropped
proves: the measurement notices
sites:
  office:
    nat: { mapping: endpoint-independent, filtering: address-and-port }
    egress: [ { drop: { protocol: udp, ports: 3478 } }, { allow: {} } ]
clients:
  alice: { site: office }
)";

model::Scenario parsed(const std::string& text) {
  auto loaded = scenario::parse(text, "test.yaml");
  EXPECT_TRUE(loaded.ok()) << scenario::to_string(loaded.problems);
  return loaded.scenarios.at(0);
}

// Brings `real` up and measures it against what `declared` says: the number of rows that disagree, and which.
Told disagreements(const model::Scenario& real, const model::Scenario& declared) {
  const auto plan = blueprint::draw(real);
  return told_by([&](kernel::Supervised& supervised, int output) {
    lab::Lab lab(plan, supervised);
    int wrong = 0;
    for (const auto& row : lab::measure(lab, declared, blueprint::Form::quick)) {
      if (row.agrees) continue;
      ++wrong;
      write_all(output, row.what + ": declared " + row.declared + ", measured " + row.measured + "\n");
    }
    return wrong;
  });
}

TEST(Measure, a_network_that_is_what_it_declares_agrees) {
  const auto found = disagreements(parsed(kBlocked), parsed(kBlocked));
  EXPECT_EQ(found.status, 0) << found.text;
}

TEST(Measure, a_rule_that_is_missing_is_noticed) {
  std::string open = kBlocked;
  open.replace(open.find("ports: 3478"), 11, "ports: 9999");
  const auto found = disagreements(parsed(open), parsed(kBlocked));
  EXPECT_EQ(found.status, 1) << found.text;
  EXPECT_NE(found.text.find("udp 3478"), std::string::npos) << found.text;
}

TEST(Measure, a_rule_too_many_is_noticed) {
  std::string closed = kBlocked;
  closed.replace(closed.find("{ allow: {} }"), 13, "{ drop: { protocol: tcp, ports: 443 } }, { allow: {} }");
  const auto found = disagreements(parsed(closed), parsed(kBlocked));
  EXPECT_EQ(found.status, 1) << found.text;
  EXPECT_NE(found.text.find("tcp 443"), std::string::npos) << found.text;
}

TEST(Measure, a_nat_that_filters_otherwise_is_noticed) {
  // A NAT can only be seen where UDP passes.
  std::string strict = kBlocked;
  strict.erase(strict.find("    egress:"), strict.find("clients:") - strict.find("    egress:"));
  std::string loose = strict;
  loose.replace(loose.find("filtering: address-and-port"), 27, "filtering: endpoint-independent");
  const auto same = disagreements(parsed(strict), parsed(strict));
  EXPECT_EQ(same.status, 0) << same.text;
  const auto found = disagreements(parsed(loose), parsed(strict));
  EXPECT_GE(found.status, 1) << found.text;
  EXPECT_NE(found.text.find("filtering"), std::string::npos) << found.text;
}

std::vector<std::string> folders() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(CRYPELAB_SOURCE "/scenarios")) {
    if (entry.is_directory() && entry.path().filename() != "sites") names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

// Each folder of scenarios/ by itself.
class MeasureFolder : public testing::TestWithParam<std::string> {};

TEST_P(MeasureFolder, every_quick_scenario_measures_as_it_declares) {
  const auto list = crypelab({"list", CRYPELAB_SOURCE "/scenarios/" + GetParam()});
  ASSERT_EQ(list.status, 0) << list.err;
  std::istringstream lines(list.out);
  int measured = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    std::string tier;
    words >> name >> tier;
    if (tier != "quick") continue;
    const auto finished = crypelab({"measure", "--quick", name});
    EXPECT_EQ(finished.status, 0) << name << "\n" << finished.out << finished.err;
    ++measured;
  }
  EXPECT_GT(measured, 0);
}
INSTANTIATE_TEST_SUITE_P(Scenarios, MeasureFolder, testing::ValuesIn(folders()),
                         [](const auto& folder) { return folder.param; });

TEST(Measure, its_json_holds_the_rows_and_the_time) {
  const ScenarioFile scenario(kBlocked);
  const auto finished = crypelab({"measure", "--quick", "--json", scenario.path()});
  ASSERT_EQ(finished.status, 0) << finished.err;
  const auto json = boost::json::parse(finished.out).as_object();
  EXPECT_EQ(json.at("scenario").as_string(), "test/blocked");
  EXPECT_GT(json.at("took_us").as_int64(), 0);
  EXPECT_TRUE(json.at("rows").as_array().at(0).as_object().at("agrees").as_bool());
}

}  // namespace
}  // namespace crypelab::test::measure_test
