#include "made_run.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace crypelab::report::report_test {
namespace {

Run of_outcomes(std::vector<std::pair<std::string, model::Outcome>> outcomes) {
  Run run;
  for (auto& [name, outcome] : outcomes) {
    model::Judgement judgement;
    judgement.scenario = name;
    judgement.outcome = outcome;
    run.judgements.push_back(judgement);
  }
  return run;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

// The record is stable: what it looks like is in the repository, and fits the schema
// (tests/unit/report/schema_test.py).
TEST(Report, the_record_is_the_one_in_the_repository) {
  const std::string path = std::string(CRYPELAB_SOURCE) + "/fixtures/report/run.json";
  const auto record = to_json(made_run());
  if (std::getenv("CRYPELAB_REWRITE_EXPECTED") != nullptr) {
    std::ofstream(path) << record;
    FAIL() << "rewritten: " << path;
  }
  std::ifstream file(path);
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(record, expected.str());
}

TEST(Report, the_exit_status_is_that_of_the_worst_and_of_nothing_passed) {
  using model::Outcome;
  EXPECT_EQ(status_of(of_outcomes({{"a", Outcome::pass}, {"b", Outcome::unsupported}}), false), Exit::ok);
  EXPECT_EQ(status_of(of_outcomes({{"a", Outcome::pass}, {"b", Outcome::unsupported}}), true), Exit::failed);
  EXPECT_EQ(status_of(of_outcomes({{"a", Outcome::pass}, {"b", Outcome::inconclusive}}), false), Exit::inconclusive);
  EXPECT_EQ(status_of(of_outcomes({{"a", Outcome::inconclusive}, {"b", Outcome::wrong_path}}), false), Exit::failed);
  EXPECT_EQ(status_of(of_outcomes({{"a", Outcome::unclear_error}}), false), Exit::failed);
  EXPECT_EQ(status_of(of_outcomes({{"a", Outcome::unsupported}}), false), Exit::inconclusive);
  EXPECT_EQ(status_of(of_outcomes({}), false), Exit::inconclusive);
  EXPECT_EQ(status_of(of_outcomes({{"a", Outcome::non_strict}}), false), Exit::ok);
  EXPECT_EQ(status_of(of_outcomes({{"a", Outcome::non_strict}}), true), Exit::failed);
  auto not_covered = of_outcomes({{"a", Outcome::pass}});
  not_covered.not_covered = {{"b", "nightly"}};
  EXPECT_EQ(status_of(not_covered, false), Exit::ok);
  EXPECT_EQ(status_of(not_covered, true), Exit::failed);
}

TEST(Report, an_interrupted_run_is_no_success) {
  auto run = of_outcomes({{"a", model::Outcome::pass}});
  run.complete = false;
  EXPECT_EQ(status_of(run, false), Exit::inconclusive);
}

TEST(Report, attempts_that_differ_are_flaky_and_never_a_pass) {
  const auto run =
      of_outcomes({{"a", model::Outcome::pass}, {"a", model::Outcome::non_strict}, {"b", model::Outcome::pass}});
  const auto cells = cells_of(run);
  ASSERT_EQ(cells.size(), 2U);
  EXPECT_TRUE(cells[0].flaky);
  EXPECT_EQ(cells[0].attempts.size(), 2U);
  EXPECT_FALSE(cells[1].flaky);
  EXPECT_EQ(status_of(run, false), Exit::failed);
  EXPECT_NE(to_junit(run).find("type=\"flaky\""), std::string::npos);
  EXPECT_NE(to_table(run, false).find("1 flaky"), std::string::npos);
}

TEST(Report, junit_counts_failures_errors_and_what_was_skipped) {
  const auto xml = to_junit(made_run());
  EXPECT_NE(xml.find("<testsuites name=\"crypelab\" tests=\"8\" failures=\"3\" errors=\"1\" skipped=\"2\""),
            std::string::npos)
      << xml;
  EXPECT_EQ(count(xml, "<failure "), 3U);
  EXPECT_EQ(count(xml, "<error "), 1U);
  EXPECT_EQ(count(xml, "<skipped "), 2U);
}

TEST(Report, what_a_client_wrote_is_text_in_junit) {
  const auto xml = to_junit(made_run());
  EXPECT_EQ(xml.find("<script"), std::string::npos);
  EXPECT_EQ(xml.find('\x1b'), std::string::npos);
  EXPECT_NE(xml.find("&lt;/script&gt;&lt;script&gt;"), std::string::npos);
}

TEST(Report, what_a_client_wrote_cannot_end_the_data_of_the_page) {
  const auto page = to_html(made_run());
  EXPECT_EQ(page.find("alert(1)</script>"), std::string::npos);
  EXPECT_EQ(page.find("<img src=x"), std::string::npos);
  EXPECT_NE(page.find("\\u003c/script>\\u003cscript>alert(1)"), std::string::npos);
}

TEST(Report, the_page_needs_no_network) {
  const auto page = to_html(made_run());
  EXPECT_EQ(page.find("src=\"http"), std::string::npos);
  EXPECT_EQ(page.find("href=\"http"), std::string::npos);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
}

TEST(Report, what_a_client_wrote_does_not_command_the_terminal) {
  const auto run = made_run();
  EXPECT_EQ(to_table(run, false).find('\x1b'), std::string::npos);
  for (const auto& judgement : run.judgements) EXPECT_EQ(to_story(judgement).find('\x1b'), std::string::npos);
}

TEST(Report, the_table_has_a_line_for_each_scenario_and_counts_what_only_streams_reached) {
  const auto table = to_table(made_run(), false, 100);
  EXPECT_NE(table.find("proxy/s33-basic/basic pass          relay-tls+px 0.80 s"), std::string::npos) << table;
  EXPECT_NE(
      table.find(
          "1 pass, 1 non-strict, 1 unsupported, 1 inconclusive, 1 unclear-error, 1 wrong-path, 1 fail, 1 not covered"),
      std::string::npos)
      << table;
  EXPECT_NE(table.find("6 connected: 6 relay-tls+px; 6 of them by TURN over TCP or TLS"), std::string::npos) << table;
}

TEST(Report, the_table_fits_the_terminal) {
  auto run = made_run();
  run.judgements[1].why = std::string(500, 'x');
  std::istringstream lines(to_table(run, false, 100));
  for (std::string line; std::getline(lines, line);) {
    const auto columns =
        std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; });
    if (line.starts_with("1 pass") || line.find("connected:") != std::string::npos) continue;
    EXPECT_LE(columns, 100) << line;
  }
}

TEST(Report, a_story_names_cause_rungs_and_verdicts) {
  auto run = made_run();
  run.judgements[1].why = "the proxy answered 403";
  const auto story = to_story(run.judgements[1]);
  EXPECT_NE(story.find("Why: the proxy answered 403"), std::string::npos);
  EXPECT_NE(story.find("relay-udp      failed           turn.crype.test:3478: no answer"), std::string::npos) << story;
  EXPECT_NE(story.find("    0.100 s  alice"), std::string::npos) << story;
}

TEST(Report, a_story_tells_what_the_lab_itself_carried_beside_what_the_client_says) {
  auto run = made_run();
  const auto story = to_story(run.judgements[0]);
  EXPECT_NE(story.find("alice send: 10.00 Mbit/s in 3.00 s, as it said"), std::string::npos) << story;
  EXPECT_NE(story.find("the lab itself, send: 12.50 Mbit/s, the smaller of office.proxy up tcp 12.50 and bob down udp "
                       "600.00"),
            std::string::npos)
      << story;
  EXPECT_NE(story.find("the lab itself, receive: at least 9.50 Mbit/s"), std::string::npos) << story;
  run.judgements[0].ceilings.clear();
  run.judgements[0].no_ceiling = "nothing of office gets out";
  EXPECT_NE(to_story(run.judgements[0]).find("no ceiling of the lab itself: nothing of office gets out"),
            std::string::npos);
}

}  // namespace
}  // namespace crypelab::report::report_test
