#include "loopback_client.h"
#include "running_server.h"

#include <memory>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace crypelab::signaling::hostile_test {
namespace {

constexpr std::string_view alice = "token-of-alice";

RunningServer::Changes impatient() {
  RunningServer::Changes changes;
  changes.patience = Time(300);
  return changes;
}

std::string upgrade(std::string_view extra = {}) {
  return fmt::format(
      "GET /v1/rooms/r1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: "
      "13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: crype.signaling.v1\r\n"
      "Authorization: Bearer {}\r\n{}\r\n",
      alice, extra);
}

// One masked frame (RFC 6455 section 5.2) with a mask of zeros.
std::string frame(int first, std::string_view payload) {
  std::string bytes;
  bytes += static_cast<char>(first);
  if (payload.size() < 126) {
    bytes += static_cast<char>(0x80 | payload.size());
  } else {
    bytes += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
      bytes += static_cast<char>(payload.size() >> static_cast<unsigned>(shift));
  }
  bytes.append(4, '\0');
  bytes += payload;
  return bytes;
}

TEST(HostileClients, who_never_speaks_tls_is_dropped) {
  const RunningServer server(impatient());
  RawClient silent(server.port(), false);
  EXPECT_TRUE(silent.is_closed());
  EXPECT_TRUE(server.log_has(R"("event":"drop")", R"("reason":"too-slow")"));
}

TEST(HostileClients, a_header_that_comes_too_slowly_is_dropped) {
  const RunningServer server(impatient());
  RawClient slow(server.port());
  slow.send("GET /v1/ice-servers HTTP/1.1\r\nX: ");
  EXPECT_TRUE(slow.is_closed());
}

TEST(HostileClients, a_body_that_comes_too_slowly_is_dropped) {
  const RunningServer server(impatient());
  RawClient slow(server.port());
  slow.send(fmt::format(
      "POST /v1/rooms/r1/messages HTTP/1.1\r\nAuthorization: Bearer {}\r\nContent-Length: 50\r\n\r\n{{", alice));
  EXPECT_TRUE(slow.is_closed());
}

TEST(HostileClients, an_endless_header_is_refused) {
  const RunningServer server;
  RawClient client(server.port());
  client.send("GET /v1/ice-servers HTTP/1.1\r\nX: " + std::string(20'000, 'x'));
  EXPECT_EQ(client.receive().status, 431U);
  EXPECT_TRUE(client.is_closed());
}

TEST(HostileClients, what_is_no_http_is_refused) {
  const RunningServer server;
  RawClient client(server.port());
  client.send("\x16\x03\x01 nonsense\r\n\r\n");
  EXPECT_EQ(client.receive().status, 400U);
  EXPECT_TRUE(server.log_has(R"("event":"reject")", R"("code":"not-http")"));
}

TEST(HostileClients, an_endless_body_is_refused_and_not_kept) {
  const RunningServer server;
  RawClient announced(server.port());
  announced.send(fmt::format(
      "POST /v1/rooms/r1/messages HTTP/1.1\r\nAuthorization: Bearer {}\r\nContent-Length: 99999999999\r\n\r\n", alice));
  EXPECT_EQ(announced.receive().status, 413U);
  EXPECT_TRUE(announced.is_closed());
  RawClient chunked(server.port());
  chunked.send(fmt::format(
      "POST /v1/rooms/r1/messages HTTP/1.1\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n",
      alice));
  EXPECT_EQ(chunked.receive().status, 413U);
}

TEST(HostileClients, half_open_connections_are_bounded_and_keep_nobody_out) {
  RunningServer::Changes changes;
  changes.strangers = 10;
  const RunningServer server(changes);
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 50; ++i) silent.push_back(std::make_unique<RawClient>(server.port(), false));
  RawClient honest(server.port());
  EXPECT_EQ(honest.ask("GET", "/v1/ice-servers", alice).status, 200U);
  EXPECT_TRUE(silent.front()->is_closed());
  EXPECT_TRUE(server.log_has(R"("event":"drop")", R"("reason":"too-many-connections")"));
}

TEST(HostileClients, bytes_sent_before_the_upgrade_is_answered_are_refused) {
  const RunningServer server;
  RawClient client(server.port());
  client.send(upgrade() + "garbage");
  const auto answer = client.receive();
  EXPECT_EQ(answer.status, 400U);
  EXPECT_EQ(answer.body, R"({"type":"error","code":"bytes-before-upgrade"})");
}

TEST(HostileClients, compression_is_not_negotiated) {
  const RunningServer server;
  RawClient client(server.port());
  client.send(upgrade("Sec-WebSocket-Extensions: permessage-deflate\r\n"));
  const auto answer = client.receive();
  EXPECT_EQ(answer.status, 101U);
  EXPECT_EQ(answer.fields.count("Sec-WebSocket-Extensions"), 0U);
}

class AfterUpgrade : public ::testing::TestWithParam<std::pair<const char*, std::string>> {};

TEST_P(AfterUpgrade, what_is_no_websocket_ends_the_connection_and_no_other) {
  const RunningServer server;
  SocketClient bob(server.port(), "r1", "bob");
  bob.receive();
  RawClient client(server.port());
  client.send(upgrade());
  ASSERT_EQ(client.receive().status, 101U);
  client.send(GetParam().second);
  EXPECT_TRUE(server.log_has(R"("event":"close")", R"("peer":"alice","via":"wss","reason":"bad-websocket")"))
      << server.log();
  bob.send(R"({"type":"ping"})");
  EXPECT_EQ(bob.receive(), R"({"type":"pong","seq":0})");
}

INSTANTIATE_TEST_SUITE_P(Bytes, AfterUpgrade,
                         ::testing::Values(std::pair("unmasked", std::string("\x81\x02{}", 4)),
                                           std::pair("reserved_bits", frame(0xf1, "{}")),
                                           std::pair("bad_utf8", frame(0x81, "{\"type\":\"\xff\xfe\"}")),
                                           std::pair("continuation_of_nothing", frame(0x80, "{}")),
                                           std::pair("http", std::string("GET / HTTP/1.1\r\n\r\n")),
                                           std::pair("endless", frame(0x81, std::string(2'000'000, ' ')))),
                         [](const auto& bytes) { return bytes.param.first; });

TEST(HostileClients, a_peer_that_stops_reading_is_ended_and_nothing_piles_up_for_it) {
  RunningServer::Changes changes = impatient();
  changes.limits.room_bytes = 64U << 20U;
  const RunningServer server(changes);
  SocketClient bob(server.port(), "r1", "bob", 0, SocketClient::Credential::header, 4096);  // never reads
  RawClient a(server.port());
  const std::string large(60'000, 'x');
  // As much as the kernel's buffers take, and more; checked now and then, because how much that is differs.
  for (std::uint64_t i = 1; i <= 400 && server.log().find("too-slow") == std::string::npos; ++i) {
    ASSERT_EQ(a.ask("POST", "/v1/rooms/r1/messages", alice, candidate(i, large)).status, 200U);
  }
  EXPECT_TRUE(server.log_has(R"("event":"close")", R"("peer":"bob","via":"wss","reason":"too-slow")"));
  EXPECT_EQ(a.ask("GET", "/v1/ice-servers", alice).status, 200U);
}

TEST(HostileClients, a_socket_that_fell_silent_is_found_by_pings) {
  RunningServer::Changes changes;
  changes.ping = Time(100);
  const RunningServer server(changes);
  SocketClient b(server.port(), "r1", "bob");
  b.receive();  // from now on nothing of it answers a ping, because nothing reads
  EXPECT_TRUE(server.log_has(R"("event":"close")", R"("reason":"silent")"));
}

}  // namespace
}  // namespace crypelab::signaling::hostile_test
