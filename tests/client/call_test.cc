// Whole processes on loopback: two reference clients and the signaling server, directly and over coturn.
#include "call.h"

#include <csignal>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace crypelab::client::call_test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

json::array work(std::string_view text) { return json::parse({text.data(), text.size()}).as_array(); }

std::string local_type(Program& client) {
  const auto selected = client.event("selected");
  return selected ? std::string(selected->at("local").at("candidateType").as_string()) : "";
}

TEST(Call, two_clients_connect_directly_and_quote_each_other) {
  const SignalingServer signaling;
  Call call(signaling, {});
  ASSERT_TRUE(call.connected()) << call.told();
  EXPECT_TRUE(call.ended_well()) << call.told();
  EXPECT_EQ(call.alice().lines().front().find(R"({"event":"hello")"), 0U);
  EXPECT_EQ(local_type(call.alice()), "host");
  EXPECT_TRUE(call.alice().event("breakdown"));
  EXPECT_TRUE(call.alice().event("closed"));
}

TEST(Call, an_echo_comes_back_whole) {
  const SignalingServer signaling;
  Call call(signaling, {.work = work(R"([{"echo": {"count": 50, "interval": 5, "size": 120}}])")});
  ASSERT_TRUE(call.ended_well()) << call.told();
  const auto echo = call.alice().event("echo");
  ASSERT_TRUE(echo) << call.told();
  EXPECT_EQ(echo->at("sent"), 50);
  EXPECT_EQ(echo->at("received"), 50);
  EXPECT_GT(echo->at("rtt_ms").at("p50").as_double(), 0.0);
  EXPECT_LE(echo->at("rtt_ms").at("p50").as_double(), echo->at("rtt_ms").at("p99").as_double());
}

TEST(Call, throughput_is_told_by_both_for_both_directions) {
  const SignalingServer signaling;
  Call call(
      signaling,
      {.work = work(R"([{"throughput": {"seconds": 1, "direction": "both", "delivery": "ordered", "size": 1150}}])")});
  ASSERT_TRUE(call.ended_well()) << call.told();
  for (auto* const client : {&call.alice(), &call.bob()}) {
    const auto results = client->events("throughput");
    ASSERT_EQ(results.size(), 2U) << call.told();
    for (const auto& result : results) {
      EXPECT_GT(result.at("bytes").as_int64(), 100'000);
      EXPECT_EQ(result.at("lost"), 0);
    }
  }
}

TEST(Call, signaling_may_restart_in_the_middle) {
  SignalingServer signaling;
  Call call(signaling, {.work = work(R"([{"hold": {"seconds": 3, "traffic": "audio"}}])")});
  ASSERT_TRUE(call.connected()) << call.told();
  signaling.restart();
  ASSERT_TRUE(call.alice().wait_for_text(R"("state":"resumed")")) << call.told();
  EXPECT_TRUE(call.ended_well()) << call.told();
  EXPECT_TRUE(call.alice().events("gap").empty()) << call.told();
}

TEST(Call, a_client_that_claims_to_be_connected_quotes_nobody) {
  const SignalingServer signaling;
  json::object nobody = signaling.access("bob");
  nobody["url"] = "wss://localhost:1/v1/rooms/r1";
  nobody.erase("fallback");
  Call call(signaling, {.misbehave = {"claims-connected"}, .bob = {{"signaling", nobody}}, .deadline = 2'000});
  ASSERT_TRUE(call.alice().wait([&] { return call.alice().event("connected").has_value(); })) << call.told();
  EXPECT_NE(call.alice().event("connected")->at("peer_proof"), "proof-of-bob");
}

TEST(Call, an_unreachable_signaling_server_is_named) {
  const SignalingServer signaling;
  json::object nowhere = signaling.access("alice");
  nowhere["url"] = "wss://localhost:1/v1/rooms/r1";
  nowhere["fallback"] = "https://localhost:1/v1/rooms/r1";
  Call call(signaling, {.alice = {{"signaling", nowhere}}, .deadline = 3'000});
  EXPECT_EQ(call.alice().exit_status(), 1) << call.told();
  const auto problems = call.alice().events("problem");
  ASSERT_FALSE(problems.empty()) << call.told();
  EXPECT_EQ(problems.back().at("code"), "SIG_BLOCKED") << call.told();
  EXPECT_EQ(problems.back().at("fatal"), true);
  EXPECT_NE(std::string(problems.back().at("detail").as_string()).find("localhost"), std::string::npos);
}

TEST(Call, a_signaling_server_whom_nobody_vouches_for_is_refused) {
  const SignalingServer signaling;
  const SignalingServer other;
  Call call(signaling, {.alice = {{"trust", other.trust()}}, .deadline = 3'000});
  EXPECT_EQ(call.alice().exit_status(), 1) << call.told();
  const auto problem = call.alice().event("problem");
  ASSERT_TRUE(problem) << call.told();
  EXPECT_EQ(problem->at("code"), "SIG_TLS_UNTRUSTED") << call.told();
}

TEST(Call, without_the_fatal_problem_when_asked_not_to_say_why) {
  const SignalingServer signaling;
  const SignalingServer other;
  Call call(signaling, {.misbehave = {"unclear-error"}, .alice = {{"trust", other.trust()}}, .deadline = 3'000});
  EXPECT_EQ(call.alice().exit_status(), 1) << call.told();
  EXPECT_FALSE(call.alice().event("problem")) << call.told();
}

TEST(Call, no_secret_of_the_job_is_printed) {
  const SignalingServer signaling;
  Call call(signaling, {});
  ASSERT_TRUE(call.ended_well()) << call.told();
  EXPECT_EQ(call.told().find("token-of-"), std::string::npos);
}

TEST(ClientCommand, answers_127_to_an_unknown_task_and_64_to_a_malformed_job) {
  Program unknown({client_program()}, R"({"contract": 1, "task": "x7f3"})");
  EXPECT_EQ(unknown.exit_status(), 127);
  Program malformed({client_program()}, R"({"contract": 1, "task": "call", "role": "boss"})");
  EXPECT_EQ(malformed.exit_status(), 64);
  EXPECT_NE(malformed.errors().find("/role"), std::string::npos) << malformed.errors();
}

TEST(ClientCommand, lists_its_misbehaviours) {
  Program list({client_program(), "--list-misbehaviours"}, "");
  EXPECT_EQ(list.exit_status(), 0);
  EXPECT_GT(list.lines().size(), 60U);
  Program nonsense({client_program(), "--nonsense"}, "");
  EXPECT_EQ(nonsense.exit_status(), 64);
}

TEST(ClientCommand, ends_in_order_when_terminated) {
  const SignalingServer signaling;
  Call call(signaling, {.work = work(R"([{"hold": {"seconds": 60, "traffic": "audio"}}])")});
  ASSERT_TRUE(call.connected()) << call.told();
  call.alice().signal(SIGTERM);
  EXPECT_EQ(call.alice().exit_status(5s), 1) << call.told();
  EXPECT_EQ(call.alice().event("closed")->at("reason"), "terminated");
  EXPECT_TRUE(call.bob().exit_status(5s)) << call.told();
}

class Relayed : public ::testing::TestWithParam<const char*> {};

TEST_P(Relayed, clients_connect_over_a_relay_and_leave_no_allocation) {
  const SignalingServer signaling;
  const TurnServer turn(signaling);
  Call call(signaling, {.ice_servers = turn.servers(GetParam()),
                        .policy = "relay",
                        .work = work(R"([{"echo": {"count": 20, "interval": 5, "size": 1000}}])")});
  ASSERT_TRUE(call.connected()) << call.told() << turn.log();
  EXPECT_TRUE(call.ended_well()) << call.told();
  const auto selected = call.alice().event("selected");
  EXPECT_EQ(selected->at("local").at("candidateType"), "relay");
  EXPECT_EQ(selected->at("local").at("relayProtocol"), GetParam());
  EXPECT_EQ(call.alice().event("echo")->at("received"), 20) << call.told();
  // Each of them has deleted what it allocated before it ended.
  EXPECT_TRUE(turn.wait_for_log("lifetime=0", 2)) << turn.log();
}

INSTANTIATE_TEST_SUITE_P(Transports, Relayed, ::testing::Values("udp", "tcp", "tls"),
                         [](const auto& transport) { return std::string(transport.param); });

}  // namespace
}  // namespace crypelab::client::call_test
