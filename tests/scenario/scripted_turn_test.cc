#include "command.h"

#include <gtest/gtest.h>

// The TURN server of ours, met by a client that nobody here wrote (turnutils_uclient).
namespace crypelab::test::scripted_turn_test {
namespace {

Finished in_world(const std::string& words, const std::string& script) {
  const ScenarioFile scenario(R"(
scenario: test/scripted-turn
title: A TURN server that misbehaves on request
sites: { office: { subnet: [10.20.0.0/24, "2001:db8:20::/64"], nat: {} } }
clients: { alice: { site: office } }
)" + words);
  return crypelab({"exec", scenario.path(), "--", "sh", "-c", script});
}

// By Send indications (-s): its channel numbers are those of RFC 5766, beyond what RFC 8656 section 12 allows.
std::string turn_client(const std::string& options) {
  return "timeout 20 turnutils_uclient -u \"$CRYPELAB_TURN_USER\" -w \"$CRYPELAB_TURN_PASSWORD\" -c -y -s -n 2 -m 1 " +
         options + " 2>&1";
}

constexpr const char* kHonest = "turn-a: {script: [{on: any}]}";
constexpr const char* kRelayed = "Total lost packets 0 ";
constexpr const char* kFailed = "Cannot complete Allocation";

bool says(const Finished& run, const char* text) { return run.out.find(text) != std::string::npos; }

TEST(ScriptedTurnServer, relays_over_udp_tcp_and_ipv6_as_a_good_server_does) {
  for (const char* where : {"203.0.113.20", "-t -p 443 203.0.113.21", "2001:db8:113::20"}) {
    const auto run = in_world(kHonest, turn_client(where));
    EXPECT_TRUE(says(run, kRelayed)) << where << run.out;
  }
}

// tcpi_data_segs_in of TCP_INFO; what waits for the congestion window may leave together, so that not every byte is
// alone.
TEST(ScriptedTurnServer, answers_in_pieces) {
  constexpr const char* kAsk = R"(python3 - <<'END'
import socket, struct
tcp = socket.create_connection(("203.0.113.20", 3478), 10)
tcp.sendall(bytes.fromhex("000100002112a442") + b"piece-by-one")
answer = b""
while len(answer) < 20 or len(answer) < 20 + struct.unpack(">H", answer[2:4])[0]:
    answer += tcp.recv(1)
assert answer[8:20] == b"piece-by-one"
segments = struct.unpack_from("=I", tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192), 152)[0]
print("many" if segments >= 10 else "one" if segments == 1 else segments)
END)";
  EXPECT_EQ(in_world("turn-a: {segment: 1B}", kAsk).out, "many\n");
  EXPECT_EQ(in_world(kHonest, kAsk).out, "one\n");
}

TEST(ScriptedTurnServer, shows_the_certificate_on_its_tls_ports) {
  const auto run = in_world(kHonest,
                            "openssl s_client -connect turns.crype.test:5349 -verify_return_error -verify_hostname "
                            "turns.crype.test </dev/null 2>&1");
  EXPECT_TRUE(says(run, "Verification: OK")) << run.out;
}

TEST(ScriptedTurnServer, refuses_as_the_script_says_and_only_there) {
  for (const int code : {403, 437, 486, 508}) {
    const auto rule = "{script: [{on: allocate, answer: " + std::to_string(code) + "}]}";
    const auto refused = in_world("turn-a: " + rule, turn_client("-v 203.0.113.20"));
    EXPECT_FALSE(says(refused, kRelayed)) << code << refused.out;
    EXPECT_TRUE(says(refused, std::to_string(code).c_str())) << code << refused.out;
    EXPECT_TRUE(says(in_world("turn-b: " + rule, turn_client("203.0.113.20")), kRelayed)) << code;
  }
}

TEST(ScriptedTurnServer, takes_long_term_credentials_and_refuses_wrong_ones) {
  const std::string words = "turn: {credentials: long-term}\n" + std::string(kHonest);
  EXPECT_TRUE(says(in_world(words, turn_client("203.0.113.20")), kRelayed));
  EXPECT_TRUE(says(in_world(words, "timeout 5 turnutils_uclient -u alice -w wrong -c -y 203.0.113.20 2>&1"), kFailed));
}

}  // namespace
}  // namespace crypelab::test::scripted_turn_test
