#include "harness/model/describe.h"
#include "harness/scenario/loader.h"

#include <gtest/gtest.h>

namespace crypelab::scenario::expectation_test {
namespace {

constexpr const char* kHead =
    "scenario: test/one\ntitle: A test\nsites: {office: {proxy: {}}, home: {}}\n"
    "clients: {alice: {site: office}, bob: {site: home}}\n";

model::Scenario scenario_of(const std::string& body) {
  const auto loaded = parse(kHead + body, "test.yaml");
  EXPECT_EQ(to_string(loaded.problems), "");
  return loaded.ok() ? loaded.scenarios.at(0) : model::Scenario{};
}

TEST(Expectations, what_is_read_says_itself_again_in_the_same_words) {
  const std::vector<std::string> lines{
      "connected: { within: 12s }",
      "connected: {}",
      "path: { client: alice, class: relay-tls, proxy: true }",
      "path: { client: bob, class: [direct, srflx, relay-udp, relay-tcp] }",
      "stays-connected: { for: 5s, gap: 2s }",
      "no-bypass: { site: office }",
      "attempted: { site: office, match: { protocol: udp } }",
      "unanswered: { site: office, match: { protocol: udp, ports: [3478] } }",
      "echo: { lost: 1%, rtt: 80ms }",
      "throughput: { at-least: 5mbit }",
      "reports: { client: alice, code: [PROXY_AUTH_FAILED, ICE_NO_PATH], within: 15s }",
      "tunnels: { site: office, at-least: 1, at-most: 4 }",
      "allocations: { left: 0, within: 3s }",
  };
  std::string body = "work: [{echo: {}}, {throughput: {}}, {hold: {time: 10s}}]\nexpect:\n";
  for (const auto& line : lines) body += "  - " + line + "\n";
  const auto scenario = scenario_of(body);
  ASSERT_EQ(scenario.expectations.size(), lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(model::describe(scenario.expectations[i]), lines[i]);
    EXPECT_EQ(scenario.expectations[i].line, 7 + i);
  }
}

TEST(Expectations, what_must_not_be_says_itself_too) {
  const auto scenario = scenario_of("expect: [not-connected: {}]\n");
  EXPECT_EQ(model::describe(scenario.expectations.at(0)), "not-connected: {}");
}

TEST(Expectations, a_protocol_alone_is_a_match) {
  const auto scenario = scenario_of("expect: [{attempted: {site: office, match: udp}}]\n");
  EXPECT_EQ(std::get<model::ExpectAttempted>(scenario.expectations.at(0).what).match.protocol, model::Protocol::udp);
}

TEST(Expectations, a_case_has_expectations_of_its_own_beside_the_one_thing_that_it_varies) {
  const auto loaded = parse(std::string(kHead) +
                                "expect: [connected: {}]\ncases:\n  open: {sites.office.isolation: false}\n"
                                "  closed: {sites.office.egress: [], expect: [not-connected: {}]}\n",
                            "test.yaml");
  ASSERT_EQ(to_string(loaded.problems), "");
  EXPECT_EQ(model::describe(loaded.scenarios.at(0).expectations.at(0)), "connected: {}");
  EXPECT_EQ(model::describe(loaded.scenarios.at(1).expectations.at(0)), "not-connected: {}");
}

TEST(Jobs, a_client_of_whom_nothing_is_said_is_a_browser_that_asks_the_machine) {
  const auto scenario = scenario_of("");
  EXPECT_EQ(scenario.clients.at(0).job, model::Job{});
  EXPECT_EQ(scenario.work, std::vector<model::Phase>{model::Echo{}});
}

TEST(Jobs, a_user_name_and_a_password_are_given_credentials) {
  const auto loaded = parse(
      "scenario: test/one\ntitle: A test\nsites: {office: {}}\nclients:\n  alice:\n    site: office\n    app: "
      "mobile-native\n"
      "    proxy: {mode: fixed_servers, rules: \"p:1\", username: alice, password: wonderland}\n    turn: none\n"
      "    policy: relay\n    non-proxied-udp: false\n    misbehave: U-14\n",
      "test.yaml");
  ASSERT_EQ(to_string(loaded.problems), "");
  const auto& job = loaded.scenarios.at(0).clients.at(0).job;
  EXPECT_EQ(job.app, model::App::mobile_native);
  EXPECT_EQ(job.proxy.mode, model::ProxyMode::fixed_servers);
  EXPECT_EQ(job.proxy.credentials, model::ProxyCredentials::given);
  EXPECT_EQ(job.proxy.password, "wonderland");
  EXPECT_TRUE(job.turn.empty());
  EXPECT_EQ(job.policy, model::IcePolicy::relay);
  EXPECT_FALSE(job.non_proxied_udp);
  EXPECT_EQ(job.misbehave, std::vector<std::string>{"U-14"});
}

TEST(Jobs, phases_are_read_in_their_order) {
  const auto scenario =
      scenario_of("work: [{hold: {time: 2min, traffic: audio}}, {throughput: {time: 4s, direction: both}}]\n");
  ASSERT_EQ(scenario.work.size(), 2U);
  EXPECT_EQ(std::get<model::Hold>(scenario.work[0]).traffic, model::Traffic::audio);
  EXPECT_EQ(model::length_of(scenario.work[0]), std::chrono::minutes(2));
  EXPECT_EQ(model::length_of(scenario.work[1]), std::chrono::seconds(8));
}

}  // namespace
}  // namespace crypelab::scenario::expectation_test
