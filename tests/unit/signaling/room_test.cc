#include "clients/signaling/lobby.h"

#include <gtest/gtest.h>

namespace crypelab::signaling::room_test {
namespace {

struct Ear final : Listener {
  int woken = 0;
  int superseded = 0;
  void wake() override { ++woken; }
  void supersede() override { ++superseded; }
};

Message bye(std::uint64_t seq, std::string code = "x") {
  Message message;
  message.type = Type::bye;
  message.seq = seq;
  message.code = std::move(code);
  return message;
}

class RoomTest : public ::testing::Test {
 protected:
  Room::Seat seat(std::string_view name) { return std::get<Room::Seat>(room_.seat(name)); }
  Room::Stored stored(Room::Seat from, const Message& message) {
    return std::get<Room::Stored>(room_.store(from, message));
  }
  std::string refused(Room::Seat from, const Message& message) {
    const auto outcome = room_.store(from, message);
    const auto* refusal = std::get_if<Refusal>(&outcome);
    return refusal == nullptr ? "" : refusal->code;
  }
  std::vector<std::uint64_t> heard(Room::Seat reader, std::uint64_t after) {
    std::vector<std::uint64_t> all;
    while (const auto next = room_.next(reader, after)) all.push_back(after = next->seq);
    return all;
  }

  Limits limits_;
  std::size_t total_ = 0;
  Room room_{limits_, 1000, total_};
};

TEST_F(RoomTest, a_peer_hears_what_the_other_said_in_order_and_not_itself) {
  const auto alice = seat("alice");
  const auto bob = seat("bob");
  EXPECT_EQ(stored(alice, bye(1)).seq, 1001U);
  EXPECT_EQ(stored(bob, bye(1)).seq, 1002U);
  EXPECT_EQ(stored(alice, bye(2)).seq, 1003U);
  EXPECT_EQ(heard(bob, 0), (std::vector<std::uint64_t>{1001, 1003}));
  EXPECT_EQ(heard(alice, 0), (std::vector<std::uint64_t>{1002}));
  EXPECT_EQ(room_.next(bob, 0)->text, R"({"type":"bye","from":"alice","seq":1001,"code":"x"})");
}

TEST_F(RoomTest, after_a_position_come_only_later_messages) {
  const auto alice = seat("alice");
  const auto bob = seat("bob");
  for (std::uint64_t i = 1; i <= 5; ++i) stored(alice, bye(i));
  EXPECT_EQ(heard(bob, 1003), (std::vector<std::uint64_t>{1004, 1005}));
  EXPECT_TRUE(heard(bob, 1005).empty());
}

TEST_F(RoomTest, a_repeated_message_is_acknowledged_and_not_stored_twice) {
  const auto alice = seat("alice");
  const auto bob = seat("bob");
  stored(alice, bye(1));
  stored(bob, bye(1));
  const auto again = stored(alice, bye(1, "other words"));
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.seq, 1001U);
  EXPECT_EQ(heard(bob, 0).size(), 1U);
  EXPECT_EQ(room_.stored_of(alice), 1U);
}

TEST_F(RoomTest, a_gap_in_a_senders_numbers_is_refused_because_something_was_lost) {
  const auto alice = seat("alice");
  EXPECT_EQ(refused(alice, bye(2)), "out-of-order");
  stored(alice, bye(1));
  EXPECT_EQ(refused(alice, bye(3)), "out-of-order");
  EXPECT_EQ(refused(alice, bye(0)), "missing-field:seq");
  EXPECT_EQ(refused(alice, bye(2)), "");
}

TEST_F(RoomTest, nobody_speaks_as_somebody_else) {
  const auto alice = seat("alice");
  Message message = bye(1);
  message.from = "bob";
  EXPECT_EQ(refused(alice, message), "not-you");
  message.from = "alice";
  EXPECT_EQ(refused(alice, message), "");
}

TEST_F(RoomTest, a_third_peer_is_refused_and_a_known_one_is_not) {
  seat("alice");
  const auto bob = seat("bob");
  EXPECT_EQ(std::get<Refusal>(room_.seat("carol")).code, "too-many-peers");
  EXPECT_EQ(seat("bob"), bob);
}

TEST_F(RoomTest, a_full_room_refuses_and_takes_what_still_fits) {
  const auto alice = seat("alice");
  std::uint64_t seq = 0;
  while (refused(alice, bye(seq + 1, std::string(60'000, 'x'))).empty()) ++seq;
  EXPECT_EQ(seq, 17U);  // 17 * (60,000 + envelope) <= 1 MiB < 18 * 60,000
  EXPECT_EQ(refused(alice, bye(seq + 1, std::string(60'000, 'x'))), "room-full");
  EXPECT_EQ(refused(alice, bye(seq + 1)), "");
  EXPECT_LE(total_, limits_.room_bytes);
}

TEST_F(RoomTest, a_full_server_refuses) {
  limits_.total_bytes = 100;
  const auto alice = seat("alice");
  EXPECT_EQ(refused(alice, bye(1)), "");
  EXPECT_EQ(refused(alice, bye(2)), "server-full");
}

TEST_F(RoomTest, a_position_of_an_earlier_room_is_told_from_one_of_this_room) {
  const auto alice = seat("alice");
  stored(alice, bye(1));
  EXPECT_FALSE(room_.check_position(0));
  EXPECT_FALSE(room_.check_position(1001));
  EXPECT_EQ(room_.check_position(1002)->code, "expired");
  EXPECT_EQ(room_.check_position(1000)->code, "expired");
  EXPECT_EQ(room_.check_position(7)->code, "expired");
}

TEST_F(RoomTest, only_the_others_are_woken_and_only_the_newest_listener) {
  const auto alice = seat("alice");
  const auto bob = seat("bob");
  Ear of_alice;
  Ear old_of_bob;
  Ear of_bob;
  Ear poll_of_bob;
  room_.attach(alice, Room::Channel::socket, of_alice);
  room_.attach(bob, Room::Channel::socket, old_of_bob);
  room_.attach(bob, Room::Channel::poll, poll_of_bob);
  room_.attach(bob, Room::Channel::socket, of_bob);
  EXPECT_EQ(old_of_bob.superseded, 1);
  EXPECT_EQ(poll_of_bob.superseded, 0);
  room_.detach(bob, Room::Channel::socket, old_of_bob);  // late: it must not silence the new one
  stored(alice, bye(1));
  EXPECT_EQ(of_alice.woken, 0);
  EXPECT_EQ(old_of_bob.woken, 0);
  EXPECT_EQ(of_bob.woken, 1);
  EXPECT_EQ(poll_of_bob.woken, 1);
  stored(alice, bye(1));
  EXPECT_EQ(of_bob.woken, 1) << "a duplicate is no news";
  room_.detach(bob, Room::Channel::socket, of_bob);
  stored(alice, bye(2));
  EXPECT_EQ(of_bob.woken, 1);
}

TEST(Lobby, an_idle_room_is_gone_and_its_bytes_with_it) {
  Limits limits;
  limits.idle = Time(1000);
  Lobby lobby(limits);
  Room& room = *std::get<Room*>(lobby.open("r", Time(0), 10));
  room.store(std::get<Room::Seat>(room.seat("alice")), bye(1));
  EXPECT_GT(lobby.bytes(), 0U);
  EXPECT_TRUE(lobby.expire(Time(999)).empty());
  EXPECT_EQ(lobby.expire(Time(1000)), std::vector<std::string>{"r"});
  EXPECT_EQ(lobby.size(), 0U);
  EXPECT_EQ(lobby.bytes(), 0U);
}

TEST(Lobby, a_visited_room_stays_and_idles_from_the_end_of_the_visit) {
  Limits limits;
  limits.idle = Time(1000);
  Lobby lobby(limits);
  Room& room = *std::get<Room*>(lobby.open("r", Time(0), 10));
  {
    const Room::Visit visit(room);
    EXPECT_TRUE(lobby.expire(Time(5000)).empty());
  }
  EXPECT_TRUE(lobby.expire(Time(5999)).empty());
  EXPECT_EQ(lobby.expire(Time(6000)).size(), 1U);
}

TEST(Lobby, the_number_of_rooms_is_bounded) {
  Limits limits;
  limits.rooms = 1;
  Lobby lobby(limits);
  Room* const room = std::get<Room*>(lobby.open("a", Time(0), 1));
  EXPECT_EQ(std::get<Refusal>(lobby.open("b", Time(0), 1)).code, "server-full");
  EXPECT_EQ(std::get<Room*>(lobby.open("a", Time(0), 99)), room);
}

}  // namespace
}  // namespace crypelab::signaling::room_test
