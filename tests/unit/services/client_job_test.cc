#include "harness/services/client_job.h"

#include "harness/base/error.h"

#include <gtest/gtest.h>

namespace crypelab::services::client_job_test {
namespace {

model::Scenario two_clients() {
  model::Scenario scenario;
  scenario.clients = {{.name = "alice", .sites = {"office"}}, {.name = "bob", .sites = {"home"}}};
  return scenario;
}

JobSettings settings_of(const std::string& client) {
  return {.client = client, .token = "t0ken", .turn_user = "17:alice", .turn_password = "pass", .proof = "f3a9"};
}

TEST(ClientJob, a_plain_client_gets_the_document_of_the_contract) {
  auto scenario = two_clients();
  scenario.clients[0].job.turn = {model::RelayTransport::udp};
  EXPECT_EQ(
      client_job(scenario, settings_of("alice")),
      R"({"contract":1,"task":"call","role":"caller","peer":"bob","proof":"f3a9","seed":1,"deadline":70400,)"
      R"("signaling":{"url":"wss://signal.crype.test/v1/rooms/r1","fallback":"https://signal.crype.test/v1/rooms/r1",)"
      R"("token":"t0ken"},"ice":{"servers":[{"urls":["stun:turn.crype.test:3478"]},)"
      R"({"urls":["turn:turn.crype.test:3478?transport=udp","turn:turn443.crype.test:443?transport=udp",)"
      R"("turn:turn-b.crype.test:3478?transport=udp","turn:turn443-b.crype.test:443?transport=udp"],)"
      R"("username":"17:alice","credential":"pass"}],"policy":"all","non_proxied_udp":true},"app":"browser",)"
      R"("proxy":{"mode":"system","credentials":"prompt"},"trust":"/etc/ssl/certs/ca-certificates.crt",)"
      R"("work":[{"echo":{"count":20,"interval":20,"size":120}}],"misbehave":[]})");
}

TEST(ClientJob, the_second_client_is_called_by_the_first) {
  const auto job = client_job(two_clients(), settings_of("bob"));
  EXPECT_NE(job.find(R"("role":"callee","peer":"alice")"), std::string::npos);
}

TEST(ClientJob, without_relays_only_stun_is_named_and_no_credential) {
  auto scenario = two_clients();
  scenario.clients[0].job.turn = {};
  const auto job = client_job(scenario, settings_of("alice"));
  EXPECT_NE(job.find(R"("servers":[{"urls":["stun:turn.crype.test:3478"]}])"), std::string::npos);
  EXPECT_EQ(job.find("17:alice"), std::string::npos);
}

TEST(ClientJob, relays_over_tcp_and_tls_are_told_apart_by_their_uris) {
  auto scenario = two_clients();
  scenario.clients[0].job.turn = {model::RelayTransport::tcp};
  auto job = client_job(scenario, settings_of("alice"));
  EXPECT_NE(job.find("turn:turn.crype.test:3478?transport=tcp"), std::string::npos);
  EXPECT_EQ(job.find("turns:"), std::string::npos);
  EXPECT_EQ(job.find("transport=udp"), std::string::npos);
  scenario.clients[0].job.turn = {model::RelayTransport::tls};
  job = client_job(scenario, settings_of("alice"));
  EXPECT_NE(job.find("turns:turns.crype.test:5349?transport=tcp"), std::string::npos);
  EXPECT_EQ(job.find("\"turn:"), std::string::npos);
}

TEST(ClientJob, everything_that_a_scenario_says_of_a_client_is_in_its_job) {
  auto scenario = two_clients();
  scenario.clients[0].job = {.app = model::App::desktop,
                             .proxy = {.mode = model::ProxyMode::fixed_servers,
                                       .rules = "http://proxy.office.test:3128",
                                       .bypass = "<local>",
                                       .credentials = model::ProxyCredentials::given,
                                       .username = "alice",
                                       .password = "wonderland"},
                             .policy = model::IcePolicy::relay,
                             .non_proxied_udp = false,
                             .turn = {},
                             .misbehave = {"U-14", "S-01"}};
  scenario.work = {model::Throughput{.direction = model::Flow::both}, model::Hold{.time = std::chrono::minutes(5)}};
  const auto job = client_job(scenario, settings_of("alice"));
  for (const char* part :
       {R"("app":"desktop")", R"("policy":"relay","non_proxied_udp":false)",
        R"("proxy":{"mode":"fixed_servers","rules":"http://proxy.office.test:3128","bypass":"<local>",)"
        R"("credentials":"given","username":"alice","password":"wonderland"})",
        R"({"throughput":{"seconds":3,"direction":"both","delivery":"ordered","size":1150}})",
        R"({"hold":{"seconds":300,"traffic":"silent","max_gap":10000}})", R"("misbehave":["U-14","S-01"])",
        R"("deadline":376000)"}) {
    EXPECT_NE(job.find(part), std::string::npos) << part << "\n" << job;
  }
}

TEST(ClientJob, the_deadline_is_never_shorter_than_what_the_scenario_allows_for_connecting) {
  auto scenario = two_clients();
  scenario.expectations = {{model::ExpectConnected{std::chrono::seconds(90)}, 1}};
  EXPECT_EQ(deadline_of(scenario), std::chrono::milliseconds(100'400));
}

TEST(ClientJob, who_calls_nobody_gets_no_job) {
  auto scenario = two_clients();
  scenario.clients.push_back({.name = "carol", .sites = {"home"}});
  EXPECT_EQ(peer_of(scenario, "carol"), "");
  EXPECT_THROW(client_job(scenario, settings_of("carol")), Failure);
}

}  // namespace
}  // namespace crypelab::services::client_job_test
