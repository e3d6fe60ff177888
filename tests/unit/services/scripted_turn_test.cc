#include "harness/services/scripted_turn.h"

#include <gtest/gtest.h>

namespace crypelab::services::scripted_turn_test {
namespace {

TEST(ScriptedTurn, stands_where_coturn_would_with_the_rules_of_the_scenario) {
  model::TurnServer server;
  server.algorithms = model::TurnAlgorithms::sha256;
  server.segment = 1;
  server.script = {{.on = model::TurnOccasion::allocate, .times = 2, .error = 300, .alternate = "turn-b"},
                   {.on = model::TurnOccasion::remove,
                    .skip = 1,
                    .silent = true,
                    .lifetime = std::chrono::seconds(60),
                    .delay = std::chrono::milliseconds(200),
                    .faults = {model::TurnFault::uninvited_data}}};
  const auto process = scripted_turn("turn-a", server, {}, {"alice"});
  const auto& text = process.files.front().content;
  for (const char* part :
       {R"("udp": ["203.0.113.20:3478", "[2001:db8:113::20]:3478", "203.0.113.21:443", "[2001:db8:113::21]:443"])",
        R"("tls": ["203.0.113.22:443", "203.0.113.22:5349")", R"("secret": "{secret:turn}")",
        R"("algorithms": "sha-256")", R"("segment": 1)",
        R"({"on": "allocate", "skip": 0, "times": 2, "error": 300, "alternate": ["198.51.100.20:3478")",
        R"("alternate_tls": ["198.51.100.22:443")",
        R"({"on": "delete", "skip": 1, "silent": true, "lifetime": 60, "delay_ms": 200, "uninvited": true})"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find("alice"), std::string::npos);
}

TEST(ScriptedTurn, knows_the_clients_where_credentials_are_long_term) {
  const auto process =
      scripted_turn("turn-b", {}, {.credentials = model::TurnCredentials::long_term}, {"alice", "bob"});
  EXPECT_NE(process.files.front().content.find(R"("users": {"alice": "{secret:turn-alice}", "bob": )"),
            std::string::npos);
}

TEST(ScriptedTurnLog, lines_become_events_of_the_turn_server) {
  const auto events = read_scripted_turn_log(
      R"({"event":"request","client":"198.18.0.2:5000","transport":"udp","method":"Allocate","error":437})");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].source, model::Source::turn);
  EXPECT_EQ(text_field(events[0], "method"), "Allocate");
  EXPECT_TRUE(read_scripted_turn_log("crypelab-faults: cannot listen").empty());
}

}  // namespace
}  // namespace crypelab::services::scripted_turn_test
