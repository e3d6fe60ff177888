#include "harness/services/turn_drops.h"

#include "harness/services/coturn.h"

#include <gtest/gtest.h>

namespace crypelab::services::turn_drops_test {
namespace {

std::vector<model::Event> read(const std::vector<std::string>& lines) {
  std::vector<model::Event> events;
  for (const auto& line : lines) {
    for (auto& event : read_coturn_log("1: : session 000000000000000007: " + line)) {
      event.where = "turn-a";
      event.at = std::chrono::seconds(events.size());
      events.push_back(std::move(event));
    }
  }
  return events;
}

const std::string kRequest = "realm <crype.test> user <alice>: incoming packet ALLOCATE processed, success";
const std::string kUsage = "usage: realm=<crype.test>, username=<alice>, ";
const std::string kPeerUsage = "peer usage: realm=<crype.test>, username=<alice>, ";
const std::string kClosed =
    "closed (2nd stage), user <alice> realm <crype.test> origin <>, local 203.0.113.22:443, remote 198.18.0.2:35314, "
    "reason: allocation watchdog determined stale session state";

// Two requests and five messages came from the client, two answers and three messages went to it.
TEST(TurnDrops, what_was_taken_and_not_passed_on_is_counted_by_direction) {
  const auto drops = turn_drops(
      read({kRequest, kRequest, kUsage + "rp=7, rb=1, sp=5, sb=1", kPeerUsage + "rp=4, rb=1, sp=3, sb=1", kClosed}));
  ASSERT_EQ(drops.size(), 1U);
  EXPECT_EQ(drops[0].where, "turn-a");
  EXPECT_EQ(drops[0].at, std::chrono::seconds(3));
  EXPECT_EQ(*model::find_field(drops[0], "session"), model::Value(std::int64_t{7}));
  EXPECT_EQ(*model::find_field(drops[0], "from_peers"), model::Value(std::int64_t{1}));
  EXPECT_EQ(*model::find_field(drops[0], "from_client"), model::Value(std::int64_t{2}));
}

TEST(TurnDrops, counts_of_a_long_session_add_up_and_nothing_is_said_where_nothing_was_lost) {
  EXPECT_TRUE(turn_drops(read({kRequest, kUsage + "rp=4, rb=1, sp=4, sb=1", kPeerUsage + "rp=3, rb=1, sp=3, sb=1",
                               kUsage + "rp=5, rb=1, sp=6, sb=1", kPeerUsage + "rp=6, rb=1, sp=5, sb=1", kClosed}))
                  .empty());
}

TEST(TurnDrops, a_server_that_begins_anew_has_other_sessions_of_the_same_numbers) {
  auto events = read({kRequest, kRequest});
  events.push_back({std::chrono::seconds(2), model::Source::lab, "turn-a", "service-restarted", {}});
  for (auto& event :
       read({kRequest, kUsage + "rp=2, rb=1, sp=2, sb=1", kPeerUsage + "rp=1, rb=1, sp=1, sb=1", kClosed}))
    events.push_back(std::move(event));
  EXPECT_TRUE(turn_drops(events).empty());
}

TEST(TurnDrops, of_a_session_that_is_not_closed_or_was_not_counted_nothing_is_known) {
  EXPECT_TRUE(turn_drops(read({kRequest, kRequest, kClosed})).empty());
  EXPECT_TRUE(
      turn_drops(read({kRequest, kUsage + "rp=1, rb=1, sp=1, sb=1", kPeerUsage + "rp=1, rb=1, sp=0, sb=0"})).empty());
}

}  // namespace
}  // namespace crypelab::services::turn_drops_test
