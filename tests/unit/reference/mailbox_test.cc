#include "clients/reference/signaling/mailbox.h"

#include "clients/reference/signaling/address.h"

#include <gtest/gtest.h>

namespace crypelab::client::signaling::mailbox_test {
namespace {

Message candidate(const std::string& text) { return {.type = Type::candidate, .candidate = text}; }
Message pong(std::uint64_t seq) { return {.type = Type::pong, .seq = seq}; }
Message from_peer(std::uint64_t seq) { return {.type = Type::candidate, .seq = seq, .from = "bob", .candidate = "c"}; }

std::uint64_t next_number(Mailbox& mailbox) {
  const auto text = mailbox.next_to_send();
  return text ? parse_message(*text)->seq : 0;
}

TEST(Mailbox, sends_nothing_before_the_server_said_what_it_has) {
  Mailbox mailbox;
  mailbox.post(candidate("a"));
  EXPECT_EQ(next_number(mailbox), 0U);
  mailbox.take(pong(0));
  EXPECT_EQ(next_number(mailbox), 1U);
  EXPECT_EQ(next_number(mailbox), 0U);
}

TEST(Mailbox, goes_on_after_the_messages_of_an_earlier_life) {
  Mailbox mailbox;
  mailbox.post(candidate("a"));
  mailbox.take(pong(7));
  EXPECT_EQ(next_number(mailbox), 8U);
}

TEST(Mailbox, repeats_after_a_break_what_was_not_acknowledged_and_nothing_else) {
  Mailbox mailbox;
  mailbox.take(pong(0));
  for (const auto* const text : {"a", "b", "c"}) mailbox.post(candidate(text));
  EXPECT_EQ(next_number(mailbox), 1U);
  EXPECT_EQ(next_number(mailbox), 2U);
  EXPECT_EQ(next_number(mailbox), 3U);
  mailbox.take(pong(1));
  mailbox.disconnected();
  EXPECT_EQ(next_number(mailbox), 0U);
  mailbox.take(pong(2));
  EXPECT_EQ(next_number(mailbox), 3U);
  EXPECT_FALSE(mailbox.all_stored());
  mailbox.take(pong(3));
  EXPECT_TRUE(mailbox.all_stored());
}

TEST(Mailbox, gives_each_message_of_the_peer_once) {
  Mailbox mailbox;
  EXPECT_TRUE(mailbox.take(from_peer(100)));
  EXPECT_FALSE(mailbox.take(from_peer(100)));
  EXPECT_FALSE(mailbox.take(from_peer(99)));
  EXPECT_TRUE(mailbox.take(from_peer(105)));
  EXPECT_EQ(mailbox.position(), 105U);
  mailbox.take({.type = Type::error, .code = "expired"});
  EXPECT_EQ(mailbox.position(), 0U);
}

TEST(Mailbox, a_refused_message_uses_up_no_number) {
  Mailbox mailbox;
  mailbox.take(pong(0));
  mailbox.post(candidate("too large"));
  mailbox.post(candidate("b"));
  next_number(mailbox);
  next_number(mailbox);
  const auto refusal = mailbox.take({.type = Type::error, .seq = 1, .code = "room-full"});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, "room-full");
  const auto text = mailbox.next_to_send();
  ASSERT_TRUE(text);
  EXPECT_EQ(parse_message(*text)->seq, 1U);
  EXPECT_EQ(parse_message(*text)->candidate, "b");
}

TEST(Mailbox, takes_no_more_than_a_room_holds) {
  Mailbox mailbox;
  std::size_t taken = 0;
  while (mailbox.post(candidate(std::string(10'000, 'x')))) ++taken;
  EXPECT_LT(taken, 110U);
  EXPECT_GT(taken, 90U);
}

TEST(SignalingMessage, reads_what_it_writes_and_refuses_the_rest) {
  const Message offer{.type = Type::offer, .seq = 3, .from = "alice", .sdp = "v=0\r\n"};
  const auto read = parse_message(to_text(offer));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->type, Type::offer);
  EXPECT_EQ(read->sdp, "v=0\r\n");
  for (const auto* const bad : {"", "[]", "{}", R"({"type":"shout"})", R"({"type":"offer","sdp":7})",
                                R"({"type":"pong","seq":-1})", R"({"type":"pong","seq":1e99})"}) {
    EXPECT_FALSE(parse_message(bad)) << bad;
  }
  EXPECT_FALSE(parse_message(std::string(largest_message + 1, ' ')));
  EXPECT_FALSE(parse_polled(R"({"seq":1,"messages":[7]})"));
  EXPECT_EQ(parse_polled(R"({"seq":1,"messages":[{"type":"bye","seq":4,"from":"bob"}]})")->messages.size(), 1U);
}

TEST(RoomAddress, is_read_from_a_url) {
  EXPECT_EQ(*parse_room_address("wss://signal.crype.test/v1/rooms/r1"),
            (RoomAddress{"signal.crype.test", 443, "/v1/rooms/r1", "signal.crype.test"}));
  EXPECT_EQ(*parse_room_address("https://[::1]:8443/v1/rooms/r1"),
            (RoomAddress{"::1", 8443, "/v1/rooms/r1", "[::1]:8443"}));
  for (const auto* const bad : {"", "signal", "http://s/x", "wss:///x", "wss://u:p@s/x", "wss://s/x?y=1"}) {
    EXPECT_FALSE(parse_room_address(bad)) << bad;
  }
}

}  // namespace
}  // namespace crypelab::client::signaling::mailbox_test
