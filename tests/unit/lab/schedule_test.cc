#include "harness/lab/schedule.h"

#include <gtest/gtest.h>

namespace crypelab::lab::schedule_test {
namespace {

using namespace std::chrono_literals;

TEST(Room, there_is_always_room_for_the_first) {
  EXPECT_TRUE((Room{1, 1}.for_one_more({})));
  EXPECT_TRUE((Room{0, 0}.for_one_more({})));
}

TEST(Room, no_more_run_side_by_side_than_asked_for) {
  const Room room{.side_by_side = 3, .young = 3};
  EXPECT_TRUE(room.for_one_more({10s, 20s}));
  EXPECT_FALSE(room.for_one_more({10s, 20s, 30s}));
}

TEST(Room, of_many_only_a_few_are_young) {
  const Room room{.side_by_side = 24, .young = 2};
  EXPECT_TRUE(room.for_one_more({1s, 10s, 20s, 30s}));
  EXPECT_FALSE(room.for_one_more({1s, 2s, 10s, 20s, 30s}));
  EXPECT_TRUE(room.for_one_more({1s, Room::kYouth, 10s, 20s, 30s})) << "it has grown up";
}

}  // namespace
}  // namespace crypelab::lab::schedule_test
