#include "loopback_client.h"
#include "running_server.h"

#include <memory>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace crypelab::signaling::server_test {
namespace {

constexpr std::string_view alice = "token-of-alice";
constexpr std::string_view bob = "token-of-bob";

boost::json::value json(const std::string& text) { return boost::json::parse(text); }

TEST(SignalingServer, what_one_says_the_other_hears_with_name_and_number) {
  const RunningServer server;
  SocketClient a(server.port(), "r1", "alice");
  SocketClient b(server.port(), "r1", "bob", 0, SocketClient::Credential::subprotocol);
  EXPECT_EQ(a.receive(), R"({"type":"pong","seq":0})");
  EXPECT_EQ(b.receive(), R"({"type":"pong","seq":0})");
  a.send(R"({"type":"offer","seq":1,"sdp":"v=0\r\n"})");
  EXPECT_EQ(a.receive(), R"({"type":"pong","seq":1})");
  const std::string heard = b.receive();
  EXPECT_GT(seq_of(heard), 0U);
  EXPECT_EQ(heard, fmt::format(R"({{"type":"offer","from":"alice","seq":{},"sdp":"v=0\r\n"}})", seq_of(heard)));
  b.send(R"({"type":"answer","seq":1,"from":"bob","sdp":"v=0\r\n"})");
  EXPECT_EQ(seq_of(a.receive()), seq_of(heard) + 1);
  a.send(R"({"type":"ping"})");
  EXPECT_EQ(a.receive(), R"({"type":"pong","seq":1})");
  EXPECT_TRUE(server.log_has(R"("event":"message")", R"("type":"offer")"));
}

TEST(SignalingServer, who_comes_later_hears_what_was_said_before) {
  const RunningServer server;
  SocketClient a(server.port(), "r1", "alice");
  for (std::uint64_t i = 1; i <= 100; ++i) a.send(candidate(i, fmt::format("c{}", i)));
  SocketClient b(server.port(), "r1", "bob");
  for (std::uint64_t i = 1; i <= 100; ++i) {
    EXPECT_NE(b.hear().find(fmt::format(R"("candidate":"c{}")", i)), std::string::npos) << i;
  }
}

TEST(SignalingServer, a_reconnecting_peer_gets_what_it_missed_and_nothing_twice) {
  const RunningServer server;
  SocketClient a(server.port(), "r1", "alice");
  auto b = std::make_unique<SocketClient>(server.port(), "r1", "bob");
  a.send(candidate(1, "c1"));
  a.send(candidate(2, "c2"));
  b->hear();
  const std::uint64_t seen = seq_of(b->hear());
  b->cut();
  a.send(candidate(3, "c3"));
  b = std::make_unique<SocketClient>(server.port(), "r1", "bob", seen);
  EXPECT_NE(b->hear().find(R"("c3")"), std::string::npos);
  a.send(candidate(4, "c4"));
  EXPECT_NE(b->hear().find(R"("c4")"), std::string::npos);
  EXPECT_TRUE(server.log_has(R"("event":"resume")", fmt::format(R"("after":{})", seen)));
}

TEST(SignalingServer, a_message_sent_again_after_a_lost_answer_arrives_once) {
  const RunningServer server;
  auto a = std::make_unique<SocketClient>(server.port(), "r1", "alice");
  SocketClient b(server.port(), "r1", "bob");
  a->send(candidate(1, "c1"));
  EXPECT_NE(b.hear().find(R"("c1")"), std::string::npos);
  a->cut();
  a = std::make_unique<SocketClient>(server.port(), "r1", "alice");
  EXPECT_EQ(a->receive(), R"({"type":"pong","seq":1})") << "what the server has of it is said at once";
  a->send(candidate(1, "c1"));
  EXPECT_EQ(a->receive(), R"({"type":"pong","seq":1})");
  a->send(candidate(2, "c2"));
  EXPECT_NE(b.hear().find(R"("c2")"), std::string::npos);
  EXPECT_TRUE(server.log_has(R"("event":"duplicate")", R"("peer":"alice")"));
}

TEST(SignalingServer, a_peer_moves_between_websocket_and_https_without_loss) {
  const RunningServer server;
  RawClient a(server.port());
  auto b = std::make_unique<SocketClient>(server.port(), "r1", "bob");
  EXPECT_EQ(a.ask("POST", "/v1/rooms/r1/messages", alice, candidate(1, "c1")).body, R"({"type":"pong","seq":1})");
  const std::uint64_t seen = seq_of(b->hear());
  b->cut();
  EXPECT_EQ(a.ask("POST", "/v1/rooms/r1/messages", alice, candidate(2, "c2")).status, 200U);
  RawClient b_polls(server.port());
  const auto answer = b_polls.ask("GET", fmt::format("/v1/rooms/r1/messages?after={}&wait=25", seen), bob);
  const auto messages = json(answer.body).at("messages").as_array();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].at("candidate").as_string(), "c2");
  a.ask("POST", "/v1/rooms/r1/messages", alice, candidate(2, "c2"));
  a.ask("POST", "/v1/rooms/r1/messages", alice, candidate(3, "c3"));
  b = std::make_unique<SocketClient>(server.port(), "r1", "bob", messages[0].at("seq").to_number<std::uint64_t>());
  EXPECT_NE(b->hear().find(R"("c3")"), std::string::npos);
}

TEST(SignalingServer, a_long_poll_waits_for_news_and_no_longer) {
  const RunningServer server;
  RawClient b(server.port());
  b.send(fmt::format("GET /v1/rooms/r1/messages?after=0&wait=60 HTTP/1.1\r\nAuthorization: Bearer {}\r\n\r\n", bob));
  RawClient a(server.port());
  a.ask("POST", "/v1/rooms/r1/messages", alice, candidate(1, "c1"));
  EXPECT_NE(b.receive().body.find(R"("c1")"), std::string::npos);
  const auto empty = b.ask("GET", "/v1/rooms/other/messages?wait=0", bob);
  EXPECT_EQ(empty.body, R"({"seq":0,"messages":[]})");
}

TEST(SignalingServer, a_newer_poll_of_the_same_peer_ends_the_older) {
  const RunningServer server;
  RawClient first(server.port());
  first.send(fmt::format("GET /v1/rooms/r1/messages?wait=60 HTTP/1.1\r\nAuthorization: Bearer {}\r\n\r\n", bob));
  RawClient ping(server.port());
  RawClient second(server.port());
  second.send(fmt::format("GET /v1/rooms/r1/messages?wait=60 HTTP/1.1\r\nAuthorization: Bearer {}\r\n\r\n", bob));
  EXPECT_EQ(first.receive().body, R"({"seq":0,"messages":[]})");
}

TEST(SignalingServer, a_newer_socket_of_the_same_peer_takes_the_olders_place) {
  const RunningServer server;
  SocketClient old_b(server.port(), "r1", "bob");
  old_b.receive();
  SocketClient b(server.port(), "r1", "bob");
  EXPECT_EQ(old_b.receive(), "");
  EXPECT_EQ(old_b.close_code(), 4000);
  SocketClient a(server.port(), "r1", "alice");
  a.send(candidate(1));
  EXPECT_NE(b.hear(), "");
  EXPECT_TRUE(server.log_has(R"("event":"close")", R"("reason":"superseded")"));
}

TEST(SignalingServer, without_a_good_token_nobody_comes_in) {
  const RunningServer server;
  RawClient client(server.port());
  for (const char* token : {"", "token-of-mallory"}) {
    const auto answer = client.ask("POST", "/v1/rooms/r1/messages", token);
    EXPECT_EQ(answer.status, 401U);
    EXPECT_EQ(answer.body, R"({"type":"error","code":"unauthorized"})");
    EXPECT_EQ(client.ask("GET", "/v1/rooms/r1/messages", token).status, 401U);
    EXPECT_EQ(client.ask("GET", "/v1/ice-servers", token).status, 401U);
  }
  EXPECT_THROW(SocketClient(server.port(), "r1", "mallory"), boost::system::system_error);
  EXPECT_THROW(SocketClient(server.port(), "r1", "mallory", 0, SocketClient::Credential::subprotocol),
               boost::system::system_error);
  EXPECT_EQ(client.ask("GET", "/v1/rooms/r1/messages?token=token-of-alice", {}).status, 400U);
  EXPECT_TRUE(server.log_has(R"("event":"reject")", R"("code":"unauthorized")"));
}

TEST(SignalingServer, neither_token_nor_content_nor_credential_is_ever_logged) {
  RunningServer server;
  {
    SocketClient a(server.port(), "r1", "alice", 0, SocketClient::Credential::subprotocol);
    a.send(R"({"type":"offer","seq":1,"sdp":"canary-content"})");
    a.send(R"({"type":"canary-content"})");
    RawClient b(server.port());
    b.ask("POST", "/v1/rooms/r1/messages", bob, candidate(1, "canary-content"));
    b.ask("GET", "/v1/rooms/r1/messages", "token-of-canary");
    b.ask("GET", "/v1/rooms/r1?token=token-of-alice", "token-of-alice");
    b.ask("GET", "/v1/ice-servers", bob);
    EXPECT_TRUE(server.log_has(R"("event":"ice-servers")"));
  }
  server.stop();
  const std::string log = server.log();
  for (const char* secret : {"canary", "token-of", "dG9rZW4tb2Yt", "s3cret", "credential"}) {
    EXPECT_EQ(log.find(secret), std::string::npos) << secret;
  }
}

TEST(SignalingServer, turn_credentials_are_for_the_peer_and_a_limited_time) {
  const RunningServer server;
  RawClient client(server.port());
  const auto answer = client.ask("GET", "/v1/ice-servers", alice);
  EXPECT_EQ(answer.fields["Cache-Control"], "no-store");
  const auto list = json(answer.body).as_array();
  ASSERT_EQ(list.size(), 2U);
  const std::string username(list[1].at("username").as_string());
  const auto expires = std::stoll(username);
  const auto now = std::time(nullptr);
  EXPECT_GE(expires, now + 590);
  EXPECT_LE(expires, now + 610);
  EXPECT_TRUE(username.ends_with(":alice"));
  EXPECT_EQ(list[1].at("credential").as_string(),
            turn_credential("s3cret", "alice", static_cast<std::uint64_t>(expires)).credential);
}

TEST(SignalingServer, beyond_a_limit_there_is_an_error_and_the_socket_stays_usable) {
  RunningServer::Changes changes;
  changes.limits.room_bytes = 100'000;
  const RunningServer server(changes);
  SocketClient a(server.port(), "r1", "alice");
  SocketClient b(server.port(), "r1", "bob");
  a.send(candidate(1, std::string(70'000, 'x')));
  EXPECT_EQ(a.hear(), R"({"type":"error","code":"too-large"})");
  a.send(candidate(1, std::string(60'000, 'x')));
  EXPECT_GT(b.hear().size(), 60'000U);
  a.send(candidate(2, std::string(60'000, 'x')));
  EXPECT_EQ(a.hear(), R"({"type":"error","seq":2,"code":"room-full"})");
  a.send_binary(candidate(2));
  EXPECT_EQ(a.hear(), R"({"type":"error","code":"not-text"})");
  a.send("nonsense");
  EXPECT_EQ(a.hear(), R"({"type":"error","code":"not-json"})");
  a.send(R"({"type":"offer","seq":2,"sdp":"x","extra":1})");
  EXPECT_EQ(a.hear(), R"({"type":"error","seq":2,"code":"unknown-field:extra"})");
  a.send(R"({"type":"bye","seq":2,"from":"bob"})");
  EXPECT_EQ(a.hear(), R"({"type":"error","seq":2,"code":"not-you"})");
  a.send(candidate(7));
  EXPECT_EQ(a.hear(), R"({"type":"error","seq":7,"code":"out-of-order"})");
  a.send(candidate(2, "still here"));
  EXPECT_NE(b.hear().find("still here"), std::string::npos);
}

TEST(SignalingServer, a_third_peer_is_told_and_may_come_when_the_room_is_gone) {
  RunningServer::Changes changes;
  changes.limits.idle = Time(1);
  const RunningServer server(changes);
  auto a = std::make_unique<SocketClient>(server.port(), "r1", "alice");
  auto b = std::make_unique<SocketClient>(server.port(), "r1", "bob");
  a->receive();
  b->receive();
  SocketClient c(server.port(), "r1", "carol");
  EXPECT_EQ(c.receive(), R"({"type":"error","code":"too-many-peers"})");
  c.send(candidate(1));
  EXPECT_EQ(c.receive(), R"({"type":"error","code":"too-many-peers"})");
  RawClient c_posts(server.port());
  EXPECT_EQ(c_posts.ask("POST", "/v1/rooms/r1/messages", "token-of-carol", candidate(1)).status, 403U);
  a->close();
  b->close();
  EXPECT_TRUE(server.log_has(R"("event":"expire")", R"("room":"r1")"));
  c.send(candidate(1));
  EXPECT_EQ(c.receive(), R"({"type":"pong","seq":1})");
}

TEST(SignalingServer, who_resumes_in_a_room_that_is_gone_is_told) {
  RunningServer::Changes changes;
  changes.limits.idle = Time(1);
  const RunningServer server(changes);
  auto a = std::make_unique<SocketClient>(server.port(), "r1", "alice");
  auto b = std::make_unique<SocketClient>(server.port(), "r1", "bob");
  a->send(candidate(1));
  const std::uint64_t seen = seq_of(b->hear());
  a->close();
  b->close();
  ASSERT_TRUE(server.log_has(R"("event":"expire")", R"("room":"r1")"));
  RawClient polls(server.port());
  const auto answer = polls.ask("GET", fmt::format("/v1/rooms/r1/messages?after={}", seen), bob);
  EXPECT_EQ(answer.status, 410U);
  EXPECT_EQ(answer.body, R"({"type":"error","code":"expired"})");
  b = std::make_unique<SocketClient>(server.port(), "r1", "bob", seen);
  EXPECT_EQ(b->hear(), R"({"type":"error","code":"expired"})");
  a = std::make_unique<SocketClient>(server.port(), "r1", "alice");
  a->send(candidate(1, "anew"));
  EXPECT_NE(b->hear().find("anew"), std::string::npos);
}

TEST(SignalingServer, http_refusals_carry_a_status_and_keep_the_connection) {
  const RunningServer server;
  RawClient client(server.port());
  EXPECT_EQ(client.ask("GET", "/nothing", alice).status, 404U);
  EXPECT_EQ(client.ask("DELETE", "/v1/rooms/r1/messages", alice).status, 405U);
  EXPECT_EQ(client.ask("GET", "/v1/rooms/r1", alice).status, 426U);
  EXPECT_EQ(client.ask("GET", "/v1/rooms/r1/messages?x=1", alice).status, 400U);
  const auto large = client.ask("POST", "/v1/rooms/r1/messages", alice, candidate(1, std::string(70'000, 'x')));
  EXPECT_EQ(large.status, 413U);
  EXPECT_EQ(large.body, R"({"type":"error","code":"too-large"})");
  const auto gap = client.ask("POST", "/v1/rooms/r1/messages", alice, candidate(5));
  EXPECT_EQ(gap.status, 409U);
  EXPECT_EQ(gap.body, R"({"type":"error","seq":5,"code":"out-of-order"})");
  const auto preflight = client.ask("OPTIONS", "/v1/rooms/r1/messages", {});
  EXPECT_EQ(preflight.status, 204U);
  EXPECT_EQ(preflight.fields["Access-Control-Allow-Headers"], "Authorization, Content-Type");
  EXPECT_EQ(client.ask("POST", "/v1/rooms/r1/messages", alice, candidate(1)).status, 200U);
}

TEST(SignalingServer, a_client_that_asks_before_it_sends_a_body_is_told_to_go_on) {
  const RunningServer server;
  RawClient client(server.port());
  const std::string body = candidate(1);
  client.send(
      fmt::format("POST /v1/rooms/r1/messages HTTP/1.1\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n"
                  "Expect: 100-continue\r\n\r\n",
                  alice, body.size()));
  EXPECT_EQ(client.receive().status, 100U);
  client.send(body);
  EXPECT_EQ(client.receive().status, 200U);
}

TEST(SignalingServer, the_end_is_said_to_everybody) {
  RunningServer server;
  SocketClient a(server.port(), "r1", "alice");
  a.receive();
  const std::string poll =
      fmt::format("GET /v1/rooms/r1/messages?wait=60 HTTP/1.1\r\nAuthorization: Bearer {}\r\n\r\n", bob);
  RawClient older(server.port());
  older.send(poll);
  RawClient b(server.port());
  b.send(poll);
  EXPECT_EQ(older.receive().status, 200U);  // so the newer one waits now
  server.stop();
  EXPECT_EQ(a.receive(), "");
  EXPECT_EQ(a.close_code(), 1001);
  EXPECT_EQ(b.receive().body, R"({"seq":0,"messages":[]})");
  EXPECT_NE(server.log().find(R"("event":"end")"), std::string::npos);
  EXPECT_NE(server.log().find(R"("reason":"shutdown")"), std::string::npos);
}

TEST(SignalingServer, nothing_is_lost_or_repeated_in_a_storm_of_reconnects) {
  const RunningServer server;
  std::vector<std::unique_ptr<SocketClient>> bobs(8);
  std::vector<std::uint64_t> seen(bobs.size(), 0);
  std::vector<std::uint64_t> count(bobs.size(), 0);
  RawClient a(server.port());
  for (std::uint64_t round = 1; round <= 15; ++round) {
    for (std::size_t i = 0; i < bobs.size(); ++i) {
      const std::string room = fmt::format("/v1/rooms/r{}/messages", i);
      ASSERT_EQ(a.ask("POST", room, alice, candidate(2 * round - 1, fmt::format("n{}.", 2 * round - 1))).status, 200U);
      bobs[i] = std::make_unique<SocketClient>(server.port(), fmt::format("r{}", i), "bob", seen[i]);
      ASSERT_EQ(a.ask("POST", room, alice, candidate(2 * round, fmt::format("n{}.", 2 * round))).status, 200U);
      for (int k = 0; k < (round % 3 == 0 ? 1 : 2); ++k) {  // now and then it is cut off before it has read all
        const std::string text = bobs[i]->hear();
        ASSERT_NE(text.find(fmt::format(R"("n{}.")", count[i] + 1)), std::string::npos) << text;
        ++count[i];
        seen[i] = seq_of(text);
      }
      bobs[i]->cut();
    }
  }
  for (std::size_t i = 0; i < bobs.size(); ++i) {
    bobs[i] = std::make_unique<SocketClient>(server.port(), fmt::format("r{}", i), "bob", seen[i]);
    while (count[i] < 30) {
      ASSERT_NE(bobs[i]->hear().find(fmt::format(R"("n{}.")", count[i] + 1)), std::string::npos);
      ++count[i];
    }
  }
}

}  // namespace
}  // namespace crypelab::signaling::server_test
