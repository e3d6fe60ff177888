#include "command.h"

#include <gtest/gtest.h>

namespace crypelab::test::turn_test {
namespace {

constexpr const char* kWorld = R"(
scenario: test/turn
title: What a scenario says about TURN servers
sites: { office: { nat: {} } }
clients: { alice: { site: office } }
)";

Finished in_world(const std::string& words, const std::string& script) {
  const ScenarioFile scenario(kWorld + words);
  return crypelab({"exec", scenario.path(), "--", "sh", "-c", script});
}

std::string turn_client(const std::string& options) {
  return "turnutils_uclient -u \"$CRYPELAB_TURN_USER\" -w \"$CRYPELAB_TURN_PASSWORD\" -c -y " + options + " 2>&1";
}

constexpr const char* kOne = "-n 1 -m 1 203.0.113.20";
constexpr const char* kRelayed = "Total lost packets 0 ";
constexpr const char* kPatient = "timeout 3 ";

bool says(const Finished& run, const char* text) { return run.out.find(text) != std::string::npos; }

TEST(TurnWords, long_term_credentials_are_the_clients_own_name) {
  const auto run = in_world("turn: {credentials: long-term}", "echo $CRYPELAB_TURN_USER; " + turn_client(kOne));
  EXPECT_TRUE(run.out.starts_with("alice\n")) << run.out;
  EXPECT_TRUE(says(run, kRelayed)) << run.out;
}

TEST(TurnWords, time_limited_credentials_end_after_their_life) {
  const std::string wait_for_end = "while [ $(date +%s) -le ${CRYPELAB_TURN_USER%%:*} ]; do sleep 0.1; done; ";
  EXPECT_TRUE(says(in_world("turn: {credential-life: 1s}", wait_for_end + kPatient + turn_client(kOne)),
                   "Cannot complete Allocation"));
  EXPECT_TRUE(says(in_world("turn: {credential-life: 1min}", turn_client(kOne)), kRelayed));
}

TEST(TurnWords, a_quota_is_met_by_the_allocation_beyond_it) {
  const auto three = "timeout 8 " + turn_client("-v -n 1 -m 3 203.0.113.20");  // two allocations for each of them
  const auto beyond = in_world("turn-a: {quota: 2}", three);
  EXPECT_TRUE(says(beyond, "error 486")) << beyond.out;
  EXPECT_FALSE(says(beyond, kRelayed)) << beyond.out;
  for (const char* words : {"turn-a: {quota: 50}", "turn-b: {quota: 2}"}) {
    const auto within = in_world(words, three);
    EXPECT_FALSE(says(within, "error 486")) << within.out;
    EXPECT_TRUE(says(within, kRelayed)) << within.out;
  }
}

TEST(TurnWords, a_silent_server_answers_nothing_and_a_stopped_one_refuses) {
  constexpr const char* kAsk =
      "python3 -c 'import socket; socket.create_connection((\"203.0.113.20\", 3478), 1); print(\"open\")' 2>&1";
  EXPECT_TRUE(says(in_world("turn-a: {state: silent}", kAsk), "timed out"));
  EXPECT_TRUE(says(in_world("turn-a: {state: stopped}", kAsk), "refused"));
  EXPECT_TRUE(says(in_world("turn-b: {state: stopped}", kAsk), "open"));
}

TEST(TurnWords, an_alternate_server_is_named_in_the_refusal) {
  const auto moved = in_world("turn-a: {alternate: turn-b}", kPatient + turn_client("-v " + std::string(kOne)));
  EXPECT_TRUE(says(moved, "198.51.100.20")) << moved.out;
  EXPECT_FALSE(says(in_world("", turn_client("-v " + std::string(kOne))), "198.51.100.20"));
}

TEST(TurnWords, certificates_are_what_was_asked_for) {
  const auto check = [](const char* certificate) {
    return in_world("turn: {certificate: " + std::string(certificate) + "}",
                    "openssl s_client -connect turns.crype.test:443 -verify_hostname turns.crype.test </dev/null 2>&1");
  };
  EXPECT_TRUE(says(check("valid"), "Verification: OK"));
  EXPECT_TRUE(says(check("expired"), "certificate has expired"));
  EXPECT_TRUE(says(check("wrong-name"), "hostname mismatch"));
  EXPECT_TRUE(says(check("untrusted"), "unable to get local issuer certificate"));
}

// An allocation by a nonce, and refreshes of it by the same one, until it is refused or three seconds have passed.
TEST(TurnWords, a_nonce_grows_stale_after_its_life_and_not_before) {
  constexpr const char* kOneNonce = R"(python3 - <<'END'
import hashlib, hmac, os, socket, struct, time
user, password = os.environ["CRYPELAB_TURN_USER"].encode(), os.environ["CRYPELAB_TURN_PASSWORD"].encode()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.settimeout(5)
udp.connect(("203.0.113.20", 3478))
def attribute(kind, value):
    return struct.pack(">HH", kind, len(value)) + value + bytes(-len(value) % 4)
def ask(method, body, key=None):
    message = struct.pack(">HHI", method, len(body) + (24 if key else 0), 0x2112a442) + os.urandom(12) + body
    if key:
        message += attribute(8, hmac.new(key, message, "sha1").digest())
    udp.send(message)
    answer, found, at = udp.recv(2000), {}, 20
    while at < len(answer):
        kind, size = struct.unpack_from(">HH", answer, at)
        found[kind] = answer[at + 4:at + 4 + size]
        at += 4 + size + -size % 4
    return (found[9][2] * 100 + found[9][3] if 9 in found else 0), found
relay_udp, lifetime = attribute(0x19, bytes([17, 0, 0, 0])), attribute(0x0d, struct.pack(">I", 600))
first, found = ask(3, relay_udp)
realm, nonce = found[0x14], found[0x15]
key = hashlib.md5(user + b":" + realm + b":" + password).digest()
login = attribute(6, user) + attribute(0x14, realm) + attribute(0x15, nonce)
second = ask(3, relay_udp + login, key)[0]
begin = time.monotonic()
third = 0
while third == 0 and time.monotonic() < begin + 3:
    third = ask(4, lifetime + login, key)[0]
    time.sleep(0.05)
print(first, second, third)
END)";
  const auto brief = in_world("turn-a: {nonce-life: 1s}", kOneNonce);
  EXPECT_EQ(brief.out, "401 0 438\n") << brief.err;
  const auto longer = in_world("turn-a: {nonce-life: 1min}", kOneNonce);
  EXPECT_EQ(longer.out, "401 0 0\n") << longer.err;
}

// The connection that was open before the restart is closed, and a new server answers.
TEST(TurnWords, a_restart_closes_what_was_open_and_the_new_server_answers) {
  constexpr const char* kScript = R"(python3 - <<'END'
import socket, time
binding = bytes.fromhex("000100002112a442") + b"first-of-all"
tcp = socket.create_connection(("203.0.113.20", 3478), 10)
tcp.sendall(binding)
assert tcp.recv(100)
tcp.settimeout(10)
try:
    print("closed" if tcp.recv(100) == b"" else "data")
except ConnectionResetError:
    print("closed")
for attempt in range(100):
    try:
        again = socket.create_connection(("203.0.113.20", 3478), 10)
        again.sendall(binding)
        print("answers" if again.recv(100) else "nothing")
        break
    except ConnectionError:
        time.sleep(0.05)
END)";
  EXPECT_EQ(in_world("steps: [{at: 3s, restart: turn-a}]", kScript).out, "closed\nanswers\n");
}

}  // namespace
}  // namespace crypelab::test::turn_test
