#include "../unit/evidence/temporary_folder.h"
#include "command.h"
#include "harness/evidence/attempt_reader.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

// Many scenarios at once say what they say one by one: -j is no part of a verdict.
namespace crypelab::test::side_by_side_test {
namespace {

namespace fs = std::filesystem;

struct Said {
  std::string outcome;
  std::string paths;
  double goodput = 0;  // bits per second; 0: not measured
  bool operator==(const Said&) const = default;
};

// alice's uplink carries 40 Mbit/s.
constexpr const char* kMeasured = R"(sites: {office: {uplink: {rate: 40mbit}}, home: {}}
clients: {alice: {site: office}, bob: {site: home}}
work: [{throughput: {time: 2s}}]
expect: [{connected: {within: 10s}}, {throughput: {at-least: 1mbit}}]
)";
constexpr const char* kRelayed =
    R"(sites: {office: {nat: {}, egress: [{drop: {protocol: udp}}, {allow: {}}]}, home: {nat: {}}}
clients: {alice: {site: office}, bob: {site: home}}
expect: [{connected: {within: 10s}}, {path: {client: alice, class: [relay-tcp, relay-tls]}}]
)";
// Expects what is not so.
constexpr const char* kWrong =
    R"(sites: {office: {nat: {}, egress: [{drop: {protocol: udp}}, {allow: {}}]}, home: {nat: {}}}
clients: {alice: {site: office}, bob: {site: home}}
expect: [{path: {client: alice, class: [direct]}}]
)";

std::map<std::string, Said> run_all(const fs::path& scenarios, const fs::path& out, const char* jobs) {
  crypelab({"run", scenarios, "-j", jobs, "--out", out}, std::chrono::seconds(160));
  const auto record = boost::json::parse(evidence::contents(out / "run.json"));
  std::map<std::string, Said> all;
  for (const auto& attempt : record.at("attempts").as_array()) {
    Said said{.outcome = std::string(attempt.at("outcome").as_string())};
    for (const auto& client : attempt.at("clients").as_array()) {
      const auto& path = client.at("path");
      said.paths += path.is_object() ? std::string(path.at("class").as_string()) + " " : "none ";
      for (const auto& phase : client.at("throughput").as_array()) {
        said.goodput = std::max(said.goodput, phase.at("goodput_bps").to_number<double>());
      }
    }
    all[std::string(attempt.at("scenario").as_string())] = said;
  }
  return all;
}

constexpr double kUncertain = 1;  // seconds: evidence says its beginning in whole ones

// When phases that measured began, in seconds.
std::multiset<double> beginnings(const fs::path& run) {
  std::multiset<double> all;
  for (const auto& folder : fs::directory_iterator(run)) {
    const auto attempt = evidence::read_attempt(folder.path() / "attempt-1");
    std::tm calendar{};
    EXPECT_NE(::strptime(attempt.started.c_str(), "%Y-%m-%dT%H:%M:%SZ", &calendar), nullptr);
    for (const auto& event : attempt.events) {
      if (event.kind != "throughput" || event.where != "alice") continue;
      const auto said =
          std::chrono::duration<double>(event.at).count() - std::get<double>(*model::find_field(event, "seconds"));
      all.insert(static_cast<double>(::timegm(&calendar)) + said);
    }
  }
  return all;
}

TEST(SideBySide, sixteen_at_once_are_judged_and_measured_as_one_by_one) {
  const evidence::TemporaryFolder folder;
  const std::vector<std::pair<std::string, const char*>> kinds{
      {"measured", kMeasured}, {"relayed", kRelayed}, {"wrong", kWrong}};
  for (int i = 0; i < 12; ++i) {
    const auto& [kind, text] = kinds[static_cast<std::size_t>(i) % kinds.size()];
    evidence::put(folder.path() / "all" / fmt::format("{}-{}.yaml", kind, i),
                  fmt::format("scenario: test/{}-{}\ntitle: One of many\n{}", kind, i, text));
  }
  const auto alone = run_all(folder.path() / "all", folder.path() / "1", "1");
  const auto beside = run_all(folder.path() / "all", folder.path() / "16", "16");
  ASSERT_EQ(alone.size(), 12U);
  ASSERT_EQ(beside.size(), 12U);
  double most_alone = 0;
  double most_beside = 0;
  for (const auto& [name, said] : alone) {
    const auto& other = beside.at(name);
    EXPECT_EQ(other.outcome, said.outcome) << name;
    EXPECT_EQ(other.outcome, name.find("wrong") == std::string::npos ? "pass" : "wrong-path") << name;
    EXPECT_EQ(other.paths, said.paths) << name;
    EXPECT_EQ(other.goodput > 0, name.find("measured") != std::string::npos) << name;
    most_alone = std::max(most_alone, said.goodput);
    most_beside = std::max(most_beside, other.goodput);
  }
  // The best of each: one call alone varies by a fifth, as SCTP loses more or less at its beginning.
  EXPECT_NEAR(most_beside, most_alone, most_alone / 10);
  // One phase after another, two seconds each: three of them are over before the fourth begins.
  const auto begins = beginnings(folder.path() / "16" / "test");
  ASSERT_EQ(begins.size(), 4U);
  EXPECT_GT(*begins.rbegin() - *begins.begin(), 6.0 - kUncertain);
}

}  // namespace
}  // namespace crypelab::test::side_by_side_test
