#include "expectations.h"

// What clients measured and reported, against what is expected of it.
namespace crypelab::judge::results_test {
namespace {

using model::Outcome;

TEST_F(Expectations, an_echo_within_its_bounds) {
  echo(100, 99, 40.0);
  expect(model::ExpectEcho{Ratio{10'000}, std::chrono::milliseconds(50)});
  EXPECT_EQ(only().outcome, Outcome::pass);
}
TEST_F(Expectations, an_echo_that_lost_too_much) {
  echo(100, 90, 40.0);
  expect(model::ExpectEcho{Ratio{10'000}, std::nullopt});
  EXPECT_EQ(only().outcome, Outcome::fail);
}
TEST_F(Expectations, an_echo_that_took_too_long) {
  echo(100, 100, 60.0);
  expect(model::ExpectEcho{std::nullopt, std::chrono::milliseconds(50)});
  EXPECT_EQ(only().outcome, Outcome::fail);
}
TEST_F(Expectations, an_echo_that_nobody_reports) {
  expect(model::ExpectEcho{});
  EXPECT_EQ(only().outcome, Outcome::fail);
}
TEST_F(Expectations, an_echo_of_which_nothing_came_back_has_no_round_trip) {
  echo(100, 0, std::nullopt);
  expect(model::ExpectEcho{Ratio{1'000'000}, std::chrono::milliseconds(80)});
  EXPECT_EQ(only().outcome, Outcome::fail);
}
TEST_F(Expectations, an_echo_without_its_median_is_not_fast) {
  echo(100, 100, std::nullopt);
  expect(model::ExpectEcho{std::nullopt, std::chrono::milliseconds(80)});
  EXPECT_EQ(only().outcome, Outcome::fail);
}
TEST_F(Expectations, an_echo_of_fewer_messages_than_the_phase_has) {
  echo(1, 1, 40.0);
  evidence.scenario.work = {model::Echo{.count = 20}};
  expect(model::ExpectEcho{Ratio{0}, std::nullopt});
  EXPECT_EQ(only().reason, "alice: 1 of 1 came back, median 40.0 ms; 20 were to be sent");
}
TEST_F(Expectations, one_echo_of_two) {
  echo(100, 100, 40.0);
  evidence.scenario.work.emplace_back(model::Echo{});
  expect(model::ExpectEcho{});
  EXPECT_EQ(only().reason, "alice reported 1 echoes of 2");
}

TEST_F(Expectations, a_throughput_above) {
  throughput("alice", 1'000'000, 1.0);
  expect(model::ExpectThroughput{BitRate{8'000'000}});
  EXPECT_EQ(only().outcome, Outcome::pass);
}
TEST_F(Expectations, a_throughput_below_whatever_rate_the_client_names) {
  throughput("alice", 1'000'000, 1.0);
  expect(model::ExpectThroughput{BitRate{8'000'001}});
  EXPECT_EQ(only().outcome, Outcome::fail);
}
TEST_F(Expectations, a_throughput_is_bytes_and_seconds) {
  for (const bool bytes : {true, false}) {
    Evidence one(with_egress());
    one.hellos();
    one.scenario.work = {model::Throughput{.time = std::chrono::seconds(1)}};
    one.scenario.expectations = {{model::ExpectThroughput{BitRate{1}}, 20}};
    one.client(ms(3000), "alice", "throughput", {{"goodput_bps", 8e9}, {bytes ? "bytes" : "seconds", std::int64_t{1}}});
    EXPECT_EQ(find(one.judged(), "throughput")->outcome, Outcome::fail);
  }
}
TEST_F(Expectations, a_throughput_of_a_moment_is_none) {
  throughput("alice", 1'000'000, 0.1);
  expect(model::ExpectThroughput{BitRate{8'000'000}});
  EXPECT_EQ(only().reason, "alice measured for 0.10 s of 1s");
}
TEST_F(Expectations, one_throughput_of_two_directions) {
  throughput("alice", 1'000'000, 1.0);
  evidence.scenario.work = {model::Throughput{.time = std::chrono::seconds(1), .direction = model::Flow::both}};
  expect(model::ExpectThroughput{BitRate{8'000'000}});
  EXPECT_EQ(only().reason, "alice reported 1 throughputs of 2");
}
TEST_F(Expectations, what_the_callee_was_told_counts_too) {
  throughput("alice", 1'000'000, 1.0);
  throughput("bob", 500'000, 1.0);
  expect(model::ExpectThroughput{BitRate{8'000'000}});
  EXPECT_EQ(only().reason, "bob: 4.00 Mbit/s");
}
TEST_F(Expectations, no_more_is_claimed_than_passed_in_that_time) {
  connected(100);  // 73 bytes every 20 ms, for two seconds
  throughput("bob", 100 * 73, 2.0);
  EXPECT_EQ(find(evidence.judged(), "claims-throughput"), nullptr);
}
TEST_F(Expectations, more_than_passed_is_a_false_claim) {
  connected(100);
  throughput("bob", 100 * 73 + 1, 2.0);
  EXPECT_NE(find(evidence.judged(), "claims-throughput", "bob"), nullptr);
}
TEST_F(Expectations, as_much_as_passed_but_in_less_time_is_a_false_claim) {
  connected(100);
  throughput("bob", 100 * 73, 1.0);
  EXPECT_NE(find(evidence.judged(), "claims-throughput", "bob"), nullptr);
}

TEST_F(Expectations, a_report_of_the_right_code_in_time) {
  evidence.client(ms(3000), "alice", "problem", {{"code", std::string("TURN_UNREACHABLE")}});
  expect(model::ExpectReports{"alice", {"TURN_QUOTA", "TURN_UNREACHABLE"}, std::chrono::seconds(15)});
  EXPECT_EQ(only().outcome, Outcome::pass);
}
TEST_F(Expectations, a_report_that_comes_too_late) {
  evidence.client(ms(30'000), "alice", "problem", {{"code", std::string("TURN_UNREACHABLE")}});
  expect(model::ExpectReports{"alice", {"TURN_UNREACHABLE"}, std::chrono::seconds(15)});
  EXPECT_EQ(only().outcome, Outcome::fail);
}
TEST_F(Expectations, the_time_of_a_report_counts_from_the_later_hello) {
  auto scenario = with_egress();
  scenario.expectations = {{model::ExpectReports{"alice", {"TURN_UNREACHABLE"}, std::chrono::seconds(15)}, 20}};
  for (const bool both : {true, false}) {
    Evidence one(scenario);
    one.client(ms(100), "alice", "hello");
    if (both) one.client(ms(3000), "bob", "hello");
    one.client(ms(17'000), "alice", "problem", {{"code", std::string("TURN_UNREACHABLE")}});
    EXPECT_EQ(find(one.judged(), "reports")->outcome, both ? Outcome::pass : Outcome::fail);
  }
}
TEST_F(Expectations, another_code_is_unclear) {
  evidence.client(ms(3000), "alice", "problem", {{"code", std::string("ICE_NO_PATH")}});
  expect(model::ExpectReports{"alice", {"TURN_UNREACHABLE"}, std::nullopt});
  const auto verdict = only();
  EXPECT_EQ(verdict.outcome, Outcome::unclear_error);
  EXPECT_EQ(verdict.reason, "alice reported ICE_NO_PATH instead");
}

}  // namespace
}  // namespace crypelab::judge::results_test
