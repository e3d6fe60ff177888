// What the reference client says when it cannot, and how it mends what breaks.
#include "call.h"

#include <csignal>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace crypelab::client::trouble_test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

json::array work(std::string_view text) { return json::parse({text.data(), text.size()}).as_array(); }

json::array one_server(const std::string& url, const std::string& user, const std::string& password) {
  return {json::object{{"urls", json::array{url}}, {"username", user}, {"credential", password}}};
}

bool says(Program& client, std::string_view code, std::chrono::milliseconds within = 16s) {
  return client.wait(
      [&] {
        for (const auto& problem : client.events("problem")) {
          if (problem.at("code") == json::string_view(code.data(), code.size())) return true;
        }
        return false;
      },
      within);
}

TEST(Trouble, wrong_turn_credentials_are_said_at_once) {
  const SignalingServer signaling;
  const TurnServer turn(signaling);
  Call call(signaling, {.ice_servers = one_server(turn.url("udp"), "turn", "wrong-password"), .policy = "relay"});
  EXPECT_TRUE(says(call.alice(), "TURN_AUTH_FAILED", 5s)) << call.told();
  EXPECT_EQ(call.told().find("wrong-password"), std::string::npos);
}

TEST(Trouble, a_turn_server_with_a_strange_certificate_is_not_spoken_to) {
  const SignalingServer signaling;
  const SignalingServer other;
  const TurnServer turn(other);
  Call call(signaling, {.ice_servers = turn.servers("tls"), .policy = "relay"});
  EXPECT_TRUE(says(call.alice(), "TURN_TLS_UNTRUSTED", 5s)) << call.told();
  EXPECT_EQ(turn.log().find("ALLOCATE"), std::string::npos) << turn.log();
}

TEST(Trouble, a_turn_server_that_is_not_there_is_named) {
  const SignalingServer signaling;
  const auto port = free_port();
  const auto where = "localhost:" + std::to_string(port);
  Call call(signaling, {.ice_servers = one_server("turn:" + where + "?transport=tcp", "turn", "turn-password"),
                        .policy = "relay"});
  ASSERT_TRUE(says(call.alice(), "TURN_UNREACHABLE")) << call.told();
  const auto detail = std::string(call.alice().events("problem").front().at("detail").as_string());
  EXPECT_NE(detail.find(std::to_string(port)), std::string::npos) << detail;
}

const json::object password_proxy{{"realm", "office"},
                                  {"users", {{"alice", "wonderland"}}},
                                  {"challenges", json::array{json::object{{"scheme", "Basic"}}}}};

TEST(Trouble, a_call_whose_proxy_refuses_the_password_ends_as_soon_as_that_is_known) {
  const SignalingServer signaling;
  FaultProxy proxy(password_proxy);
  Call call(signaling, {.alice = {{"proxy", proxy.use("alice", "looking-glass")}}, .deadline = 60'000});
  EXPECT_EQ(call.alice().exit_status(5s), 1) << call.told();
  const auto problems = call.alice().events("problem");
  ASSERT_FALSE(problems.empty()) << call.told();
  EXPECT_EQ(problems.back().at("code"), "PROXY_AUTH_FAILED");
  EXPECT_EQ(problems.back().at("fatal"), true);
}

TEST(Trouble, a_proxy_that_is_down_is_waited_for_and_then_given_up) {
  const SignalingServer signaling;
  FaultProxy proxy({{"answer", 503}});
  Call call(signaling, {.alice = {{"proxy", proxy.use()}}, .deadline = 80'000});
  EXPECT_FALSE(call.alice().exit_status(15s)) << call.told();
  EXPECT_EQ(call.alice().exit_status(30s), 1) << call.told();
  EXPECT_EQ(call.alice().events("problem").back().at("fatal"), true) << call.told();
}

TEST(Recovery, a_proxy_that_comes_back_after_some_seconds_is_used) {
  const SignalingServer signaling;
  FaultProxy proxy({{"down", {{"from_ms", 0}, {"lasting_ms", 6'000}}}});
  Call call(signaling, {.alice = {{"proxy", proxy.use()}}, .deadline = 60'000});
  EXPECT_TRUE(call.connected()) << call.told();
  EXPECT_TRUE(call.ended_well()) << call.told();
}

TEST(Trouble, a_client_is_gone_by_its_deadline_although_its_relay_answers_no_more) {
  const SignalingServer signaling;
  const TurnServer turn(signaling);
  json::object nobody = signaling.access("bob");
  nobody["url"] = "wss://localhost:1/v1/rooms/r1";
  nobody.erase("fallback");
  Call call(
      signaling,
      {.ice_servers = turn.servers("udp"), .policy = "relay", .bob = {{"signaling", nobody}}, .deadline = 12'000});
  ASSERT_TRUE(call.alice().wait_for_text(R"("type":"relay")")) << call.told();
  kill(turn.pid(), SIGSTOP);
  EXPECT_EQ(call.alice().exit_status(), 1) << call.told();
  const auto closed = call.alice().event("closed");
  ASSERT_TRUE(closed) << call.told();
  EXPECT_LE(closed->at("t").to_number<double>(), 13'000) << call.told();  // when a lab ends it by force
}

TEST(Recovery, expired_turn_credentials_are_exchanged_for_new_ones) {
  const SignalingServer signaling;
  const TurnServer turn(signaling, {"--use-auth-secret", "--static-auth-secret=north-secret"});
  Call call(signaling,
            {.ice_servers = one_server(turn.url("udp"), "1000:old", "expired-credential"), .policy = "relay"});
  ASSERT_TRUE(call.connected()) << call.told() << turn.log();
  EXPECT_TRUE(call.ended_well()) << call.told();
}

TEST(Recovery, new_turn_credentials_are_used_while_other_ways_are_still_silent) {
  const SignalingServer signaling;
  const TurnServer turn(signaling, {"--use-auth-secret", "--static-auth-secret=north-secret"});
  const SilentPort silent;
  const json::array urls{silent.url(), turn.url("tcp"), turn.url("tls")};
  const json::array servers{
      json::object{{"urls", urls}, {"username", "1000:old"}, {"credential", "expired-credential"}}};
  Call call(signaling, {.ice_servers = servers, .policy = "relay"});
  ASSERT_TRUE(call.alice().wait([&] { return call.alice().event("connected").has_value(); }, 6s))
      << call.told() << turn.log();
  EXPECT_TRUE(call.ended_well()) << call.told();
}

TEST(Recovery, a_path_that_falls_silent_is_left_long_before_consent_is_lost) {
  const SignalingServer signaling;
  const TurnServer turn(signaling);
  Call call(signaling, {.ice_servers = turn.servers("udp"),
                        .policy = "relay",
                        .work = work(R"([{"hold": {"seconds": 8, "traffic": "audio"}}])"),
                        .deadline = 60'000});
  ASSERT_TRUE(call.connected()) << call.told();
  ASSERT_TRUE(turn.wait_for_packets(100));  // the hold has begun
  ::kill(turn.pid(), SIGSTOP);
  EXPECT_TRUE(says(call.alice(), "ICE_NO_PATH", 5s)) << call.told();
  ::kill(turn.pid(), SIGCONT);
  EXPECT_TRUE(call.ended_well()) << call.told();
}

TEST(Recovery, a_turn_server_that_restarts_costs_a_gap_and_not_the_call) {
  const SignalingServer signaling;
  TurnServer turn(signaling);
  Call call(signaling, {.ice_servers = turn.servers("tcp"),
                        .policy = "relay",
                        .work = work(R"([{"hold": {"seconds": 12, "traffic": "audio", "max_gap": 10000}}])"),
                        .deadline = 60'000});
  ASSERT_TRUE(call.connected()) << call.told();
  turn.restart();
  ASSERT_TRUE(call.alice().wait([&] { return call.alice().event("gap").has_value(); }, 20s)) << call.told();
  EXPECT_EQ(call.alice().event("gap")->at("recovered_by"), "restart") << call.told();
  EXPECT_TRUE(call.ended_well()) << call.told();
}

TEST(Misbehaviour, u14_leaves_an_allocation_behind) {
  const SignalingServer signaling;
  const TurnServer turn(signaling);
  Call call(signaling, {.ice_servers = turn.servers("udp"), .policy = "relay", .misbehave = {"U-14"}});
  ASSERT_TRUE(call.ended_well()) << call.told();
  ASSERT_TRUE(turn.wait_for_log("lifetime=0", 1));
  const auto log = turn.log();
  EXPECT_EQ(log.find("lifetime=0", log.find("lifetime=0") + 1), std::string::npos) << log;
}

TEST(RelayLoad, counts_what_goes_through_the_relay) {
  const SignalingServer signaling;
  const TurnServer turn(signaling);
  for (const auto* const transport : {"udp", "tcp", "tls"}) {
    json::object job{{"contract", 1},
                     {"task", "relay-load"},
                     {"deadline", 30'000},
                     {"ice", {{"servers", turn.servers(transport)}}},
                     {"trust", signaling.trust()},
                     {"app", "desktop"},
                     {"load", {{"ms", 300}, {"size", 500}}}};
    Program client({client_program(), "--sessions", "3"}, json::serialize(job));
    EXPECT_EQ(client.exit_status(), 0) << client.errors();
    const auto result = client.event("relay-load");
    ASSERT_TRUE(result) << client.errors();
    EXPECT_EQ(result->at("relay_protocol"), transport);
    EXPECT_EQ(result->at("sessions"), 3);
    EXPECT_GT(result->at("received").as_int64(), 500);
    EXPECT_LE(result->at("received").as_int64(), result->at("sent").as_int64());
  }
  EXPECT_TRUE(turn.wait_for_log("lifetime=0", 18)) << turn.log();
}

}  // namespace
}  // namespace crypelab::client::trouble_test
