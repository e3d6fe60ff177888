#include "clients/signaling/credential.h"
#include "clients/signaling/event_log.h"
#include "clients/signaling/route.h"
#include "clients/signaling/settings.h"
#include "harness/base/descriptor.h"
#include "harness/base/error.h"

#include <array>
#include <csignal>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace crypelab::signaling::edge_values_test {
namespace {

// Computed with openssl(1): printf %s "1700003600:alice" | openssl dgst -sha1 -hmac s3cret -binary | base64
TEST(TurnCredential, is_what_coturn_computes_for_use_auth_secret) {
  const TurnCredential made = turn_credential("s3cret", "alice", 1'700'003'600);
  EXPECT_EQ(made.username, "1700003600:alice");
  EXPECT_EQ(made.credential, "YAFdW/YDZewZsR1QSgUk2IrfbRI=");
}

TEST(TurnCredential, only_turn_entries_carry_one) {
  IceServers servers{
      {"stun:turn.crype.test:3478", "turns:turns.crype.test:443?transport=tcp", "turn:turn.crype.test:3478"},
      "s3cret",
      3600};
  EXPECT_EQ(
      ice_servers_json(servers, "alice", 1'700'000'000),
      R"([{"urls":["stun:turn.crype.test:3478"]},{"urls":["turns:turns.crype.test:443?transport=tcp",)"
      R"("turn:turn.crype.test:3478"],"username":"1700003600:alice","credential":"YAFdW/YDZewZsR1QSgUk2IrfbRI="}])");
  servers.secret.clear();
  EXPECT_EQ(ice_servers_json(servers, "alice", 1).find("username"), std::string::npos);
  EXPECT_EQ(ice_servers_json({}, "alice", 1), "[]");
}

TEST(Tokens, a_token_stands_for_one_peer) {
  Tokens tokens;
  EXPECT_TRUE(tokens.add("secret-a", "alice"));
  EXPECT_FALSE(tokens.add("secret-a", "bob"));
  EXPECT_FALSE(tokens.add("", "bob"));
  EXPECT_FALSE(tokens.add("with space", "bob"));
  EXPECT_FALSE(tokens.add("x", "b/b"));
  EXPECT_EQ(tokens.peer("secret-a"), "alice");
  EXPECT_EQ(tokens.peer("secret-b"), "");
  EXPECT_EQ(tokens.peer(""), "");
}

TEST(Tokens, base64url_is_strict) {
  EXPECT_EQ(*decode_base64url("c2VjcmV0LWE"), "secret-a");
  EXPECT_EQ(*decode_base64url("__79"), "\xff\xfe\xfd");
  EXPECT_EQ(*decode_base64url(""), "");
  for (const char* text : {"c2VjcmV0LWE=", "c", "c2+j", "c2 j", "c2VjcmV0LWF"})
    EXPECT_FALSE(decode_base64url(text)) << text;
}

template <class T>
const T& as(const Route& asked) {
  return std::get<T>(asked);
}
std::string refusal_of(const Route& asked) {
  const auto* refusal = std::get_if<Refusal>(&asked);
  return refusal == nullptr ? "" : refusal->code;
}

TEST(Route, requests_are_told_apart) {
  EXPECT_EQ(as<SocketRoute>(route("GET", "/v1/rooms/r1", true)).room, "r1");
  EXPECT_EQ(as<SocketRoute>(route("GET", "/v1/rooms/r1?after=12", true)).after, 12U);
  EXPECT_EQ(as<PostRoute>(route("POST", "/v1/rooms/r1/messages", false)).room, "r1");
  const Route polled = route("GET", "/v1/rooms/r1/messages?wait=25&after=7", false);
  EXPECT_EQ(as<PollRoute>(polled).room, "r1");
  EXPECT_EQ(as<PollRoute>(polled).after, 7U);
  EXPECT_EQ(as<PollRoute>(polled).wait, 25U);
  EXPECT_EQ(as<PollRoute>(route("GET", "/v1/rooms/r1/messages?wait=9999", false)).wait, longest_wait);
  EXPECT_TRUE(std::holds_alternative<IceRoute>(route("GET", "/v1/ice-servers", false)));
  EXPECT_TRUE(std::holds_alternative<PreflightRoute>(route("OPTIONS", "/v1/rooms/r1/messages", false)));
}

TEST(Route, what_is_no_request_of_the_protocol_is_refused_by_name) {
  EXPECT_EQ(refusal_of(route("GET", "/", false)), "not-found");
  EXPECT_EQ(refusal_of(route("GET", "/v2/rooms/r1", true)), "not-found");
  EXPECT_EQ(refusal_of(route("GET", "/v1/rooms/r1", false)), "upgrade-required");
  EXPECT_EQ(refusal_of(route("DELETE", "/v1/rooms/r1", false)), "bad-method");
  EXPECT_EQ(refusal_of(route("POST", "/v1/ice-servers", false)), "bad-method");
  for (const char* target : {"/v1/rooms/", "/v1/rooms/a/b", "/v1/rooms//messages", "/v1/rooms/%41", "/v1/rooms/../x"}) {
    EXPECT_EQ(refusal_of(route("GET", target, true)), "bad-room") << target;
  }
  for (const char* query : {"after=", "after=-1", "after=x", "after=1&after=2", "wait=1", "token=x", "after", "&",
                            "after=9007199254740992", "after=99999999999999999999"}) {
    EXPECT_EQ(refusal_of(route("GET", std::string("/v1/rooms/r?") + query, true)), "bad-query") << query;
  }
  EXPECT_EQ(refusal_of(route("POST", "/v1/rooms/r/messages?after=1", false)), "bad-query");
}

TEST(Route, tokens_come_in_a_header_or_as_a_subprotocol) {
  EXPECT_EQ(bearer("Bearer abc"), "abc");
  EXPECT_EQ(bearer("bearer  abc "), "abc");
  for (const char* field : {"", "Bearer", "Bearer ", "Basic abc", "Bearerabc"}) EXPECT_EQ(bearer(field), "") << field;
  const Offer offer = read_offer("crype.signaling.v1, crype.token.c2VjcmV0LWE");
  EXPECT_TRUE(offer.v1);
  EXPECT_EQ(offer.token, "c2VjcmV0LWE");
  EXPECT_FALSE(read_offer("crype.signaling.v2,crype.token.x").v1);
  EXPECT_FALSE(read_offer(", ,").v1);
}

TEST(SignalingSettings, a_whole_configuration_is_read) {
  Settings settings;
  const auto read = read_settings(
      R"({"listen": ["127.0.0.1:8443", "[::1]:0"], "certificate": "c.pem", "key": "k.pem", "tokens": {"t": "alice"},
          "turn": {"secret": "s", "urls": ["turn:t:3478"], "lifetime": "10min"},
          "limits": {"peers": 3, "message": "1KiB", "room": "2KiB", "rooms": 5, "total": "4KiB", "idle": "5s",
                     "connections": 7, "strangers": 6}, "patience": "3s", "ping": "4s", "log": 2})",
      settings);
  ASSERT_TRUE(read) << read.complaint();
  EXPECT_TRUE(check_settings(settings));
  EXPECT_EQ(settings.listen.size(), 2U);
  EXPECT_EQ(settings.tokens.peer("t"), "alice");
  EXPECT_EQ(settings.ice.lifetime, 600U);
  EXPECT_EQ(settings.limits.peers, 3U);
  EXPECT_EQ(settings.limits.message_bytes, 1024U);
  EXPECT_EQ(settings.limits.room_bytes, 2048U);
  EXPECT_EQ(settings.limits.rooms, 5U);
  EXPECT_EQ(settings.limits.total_bytes, 4096U);
  EXPECT_EQ(settings.limits.idle, Time(5000));
  EXPECT_EQ(settings.connections, 7U);
  EXPECT_EQ(settings.strangers, 6U);
  EXPECT_EQ(settings.patience, Time(3000));
  EXPECT_EQ(settings.ping, Time(4000));
  EXPECT_EQ(settings.log, 2);
}

TEST(SignalingSettings, mistakes_are_named) {
  const std::array<std::pair<const char*, const char*>, 10> mistakes = {{
      {"[]", "object is expected"},
      {"{", "not JSON"},
      {R"({"lisen": []})", "lisen: there is no such member"},
      {R"({"listen": ["nowhere"]})", "listen: "},
      {R"({"listen": "127.0.0.1:1"})", "listen: a list"},
      {R"({"tokens": {"a": "alice", "b": "b b"}})", "tokens: "},
      {R"({"limits": {"idle": 5}})", "limits.idle: a text is expected"},
      {R"({"limits": {"idel": "5s"}})", "limits.idel: there is no such member"},
      {R"({"turn": {"secret": ""}})", "turn.secret: "},
      {R"({"ping": "0s"})", "ping: at least 1ms"},
  }};
  for (const auto& [text, words] : mistakes) {
    Settings settings;
    const auto read = read_settings(text, settings);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.complaint().find(words), std::string::npos) << text << ": " << read.complaint();
  }
  Settings nothing;
  EXPECT_FALSE(check_settings(nothing));
}

TEST(SignalingSettings, no_complaint_quotes_a_token) {
  Settings settings;
  const auto read = read_settings(R"({"tokens": {"canary token": "alice"}})", settings);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.complaint().find("canary"), std::string::npos);
}

TEST(SignalingSettings, a_bad_command_line_is_a_usage_error) {
  std::string help;
  const std::array<const char*, 2> nonsense = {"crypelab-signaling", "--nonsense"};
  const std::array<const char*, 1> nothing = {"crypelab-signaling"};
  for (const auto& [count, words] : {std::pair(2, nonsense.data()), std::pair(1, nothing.data())}) {
    try {
      settings_from(count, words, help);
      ADD_FAILURE() << "accepted";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.exit(), Exit::usage);
    }
  }
}

TEST(EventLog, a_reader_that_does_not_read_loses_lines_and_is_told_how_many) {
  ASSERT_NE(std::signal(SIGPIPE, SIG_IGN), SIG_ERR);  // as the program does
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
  Descriptor reader(ends[0]);
  const Descriptor writer(ends[1]);
  EventLog log(writer.get(), 1024);
  std::string all;
  const auto drain = [&] {
    std::array<char, 4096> piece{};
    for (ssize_t n = 0; (n = read(reader.get(), piece.data(), piece.size())) > 0;) {
      all.append(piece.data(), static_cast<std::size_t>(n));
    }
  };
  for (int i = 0; i < 10'000; ++i) {
    log.line("tick").number("i", static_cast<std::uint64_t>(i)).text("who", "alice");
    log.flush();
  }
  drain();
  log.flush();
  log.line("last");
  log.finish(std::chrono::milliseconds(100));
  drain();
  EXPECT_EQ(all.rfind(R"({"event":"tick","t":)", 0), 0U);
  EXPECT_NE(all.find(R"({"event":"log-lost","t":)"), std::string::npos);
  EXPECT_NE(all.find(R"({"event":"last")"), std::string::npos);
  EXPECT_FALSE(log.pending());
  reader.close();
  log.line("nobody");
  log.flush();
  EXPECT_FALSE(log.pending()) << "what nobody can read is not kept";
}

}  // namespace
}  // namespace crypelab::signaling::edge_values_test
