#include "clients/reference/job/job.h"

#include <gtest/gtest.h>

namespace crypelab::client::job::job_test {
namespace {

std::string good() {
  return R"({"contract": 1, "task": "call", "role": "caller", "peer": "bob", "proof": "f3a9c1", "seed": 42, "deadline": 60000,
 "signaling": {"url": "wss://signal.crype.test/v1/rooms/r1", "fallback": "https://signal.crype.test/v1/rooms/r1", "token": "tok-en"},
 "ice": {"servers": [{"urls": ["stun:turn.crype.test:3478"]},
                     {"urls": ["turn:turn.crype.test:3478?transport=udp"], "username": "u", "credential": "cred-ential"}],
         "policy": "relay", "non_proxied_udp": false},
 "app": "mobile-custom",
 "proxy": {"mode": "fixed_servers", "rules": "http://proxy.office.test:3128", "bypass": "<local>",
           "credentials": "given", "username": "alice", "password": "wonderland"},
 "trust": "/etc/ca.pem",
 "work": [{"echo": {"count": 50, "interval": 20, "size": 120}},
          {"throughput": {"seconds": 3, "direction": "both", "delivery": "unordered-unreliable", "size": 1150}},
          {"hold": {"seconds": 300, "traffic": "audio", "max_gap": 10000}}],
 "misbehave": ["U-14"]})";
}

// The good job with one text in place of another.
std::string with(std::string_view from, std::string_view to) {
  auto text = good();
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string pointer_of(std::string_view text) {
  const auto read = read_job(text);
  const auto* const malformed = std::get_if<Malformed>(&read);
  return malformed == nullptr ? "(not malformed)" : malformed->pointer;
}

bool unsupported(std::string_view text) { return std::holds_alternative<Unsupported>(read_job(text)); }

TEST(Job, every_member_arrives) {
  const auto read = read_job(good());
  ASSERT_TRUE(std::holds_alternative<Job>(read)) << std::get<Malformed>(read).pointer;
  const auto& job = std::get<Job>(read);
  EXPECT_EQ(job.role, Role::caller);
  EXPECT_EQ(job.peer, "bob");
  EXPECT_EQ(job.proof, "f3a9c1");
  EXPECT_EQ(job.seed, 42U);
  EXPECT_EQ(job.deadline, std::chrono::seconds(60));
  EXPECT_EQ(job.signaling.url, "wss://signal.crype.test/v1/rooms/r1");
  EXPECT_EQ(job.signaling.fallback, "https://signal.crype.test/v1/rooms/r1");
  ASSERT_EQ(job.ice_servers.size(), 2U);
  EXPECT_EQ(job.ice_servers[1].urls.at(0), "turn:turn.crype.test:3478?transport=udp");
  EXPECT_EQ(job.policy, IcePolicy::relay);
  EXPECT_FALSE(job.non_proxied_udp);
  EXPECT_EQ(job.app, App::mobile_custom);
  EXPECT_EQ(job.proxy.mode, ProxyMode::fixed_servers);
  EXPECT_EQ(job.proxy.bypass, "<local>");
  EXPECT_EQ(job.trust, "/etc/ca.pem");
  ASSERT_EQ(job.work.size(), 3U);
  EXPECT_EQ(std::get<Echo>(job.work[0]).interval, std::chrono::milliseconds(20));
  EXPECT_EQ(std::get<Throughput>(job.work[1]).delivery, Delivery::unordered_unreliable);
  EXPECT_EQ(std::get<Hold>(job.work[2]).max_gap, std::chrono::seconds(10));
  EXPECT_TRUE(job.misbehave.breaks(Rule::u14));
}

TEST(Job, a_fault_is_named_by_its_json_pointer) {
  EXPECT_EQ(pointer_of("{"), "");
  EXPECT_EQ(pointer_of("[]"), "");
  EXPECT_EQ(pointer_of(R"({"contract": 1})"), "/task");
  EXPECT_EQ(pointer_of(R"({"task": "call"})"), "/contract");
  EXPECT_EQ(pointer_of(with("\"caller\"", "\"boss\"")), "/role");
  EXPECT_EQ(pointer_of(with("\"seed\": 42", "\"seed\": -1")), "/seed");
  EXPECT_EQ(pointer_of(with("\"deadline\": 60000", "\"deadline\": 1.5")), "/deadline");
  EXPECT_EQ(pointer_of(with(", \"deadline\": 60000", "")), "/deadline");
  EXPECT_EQ(pointer_of(with("wss://", "ws://")), "/signaling/url");
  EXPECT_EQ(pointer_of(with("\"token\": \"tok-en\"", "\"token\": \"\"")), "/signaling/token");
  EXPECT_EQ(pointer_of(with("[\"turn:turn.crype.test:3478?transport=udp\"]", "[7]")), "/ice/servers/1/urls/0");
  EXPECT_EQ(pointer_of(with("\"policy\": \"relay\"", "\"policy\": \"some\"")), "/ice/policy");
  EXPECT_EQ(pointer_of(with("\"rules\": \"http://proxy.office.test:3128\", ", "")), "/proxy/rules");
  EXPECT_EQ(pointer_of(with("\"size\": 120", "\"size\": 23")), "/work/0/echo/size");
  EXPECT_EQ(pointer_of(with("\"direction\": \"both\"", "\"direction\": \"up\"")), "/work/1/throughput/direction");
  EXPECT_EQ(pointer_of(with("\"max_gap\": 10000", "\"max_gap\": \"10s\"")), "/work/2/hold/max_gap");
  EXPECT_EQ(pointer_of(with("[\"U-14\"]", "[[]]")), "/misbehave/0");
  EXPECT_EQ(pointer_of(std::string(largest_job + 1, ' ')), "");
  EXPECT_EQ(pointer_of(R"({"contract": 1, "task": "call", "a": )" + std::string(100, '[')), "");
}

TEST(Job, what_this_client_does_not_do_is_not_called_malformed) {
  EXPECT_TRUE(unsupported(R"({"contract": 1, "task": "x7f3a"})"));
  EXPECT_TRUE(unsupported(R"({"contract": 2, "task": "call"})"));
  EXPECT_TRUE(unsupported(with("\"echo\"", "\"juggle\"")));
  EXPECT_TRUE(unsupported(with("[\"U-14\"]", "[\"U-99\"]")));
}

TEST(Job, secrets_are_all_that_no_output_may_show) {
  const auto read = read_job(good());
  const auto found = secrets(std::get<Job>(read));
  EXPECT_EQ(found, (std::vector<std::string>{"tok-en", "wonderland", "cred-ential"}));
}

TEST(Job, a_relay_load_needs_no_peer) {
  const auto read = read_job(R"({"contract": 1, "task": "relay-load", "deadline": 9000,
                                 "ice": {"servers": [{"urls": ["turn:192.0.2.1"]}]}, "load": {"ms": 500, "channels": false}})");
  ASSERT_TRUE(std::holds_alternative<Job>(read));
  const auto& job = std::get<Job>(read);
  EXPECT_EQ(job.task, Task::relay_load);
  EXPECT_EQ(job.load.time, std::chrono::milliseconds(500));
  EXPECT_FALSE(job.load.channels);
}

}  // namespace
}  // namespace crypelab::client::job::job_test
