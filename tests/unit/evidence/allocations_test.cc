#include "harness/evidence/allocations.h"

#include <gtest/gtest.h>

namespace crypelab::evidence::allocations_test {
namespace {

using std::chrono::seconds;

model::Event of_turn(int at, const std::string& kind, std::int64_t session) {
  return {seconds(at),
          model::Source::turn,
          "turn-a",
          kind,
          {{"session", session}, {"user", std::string("1700003600:alice")}, {"transport", std::string("tls")}}};
}

TEST(Allocations, one_that_is_deleted_has_ended) {
  const auto all = allocations_of(std::vector{of_turn(1, "allocation", 7), of_turn(5, "delete", 7)});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].server, "turn-a");
  EXPECT_EQ(all[0].client, "alice");
  EXPECT_TRUE(all[0].tls);
  EXPECT_EQ(all[0].allocated, seconds(1));
  EXPECT_EQ(all[0].ended, seconds(5));
}

TEST(Allocations, a_server_that_begins_anew_has_forgotten_its_own_and_no_others) {
  auto other = of_turn(1, "allocation", 7);
  other.where = "turn-b";
  const model::Event restarted{seconds(3), model::Source::lab, "turn-a", "service-restarted", {}};
  const auto all = allocations_of(std::vector{of_turn(1, "allocation", 7), other, restarted});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].ended, seconds(3));
  EXPECT_FALSE(all[1].ended);
}

TEST(Allocations, one_deletion_ends_one_allocation_the_newest_of_that_number) {
  const auto all =
      allocations_of(std::vector{of_turn(1, "allocation", 7), of_turn(2, "allocation", 7), of_turn(5, "delete", 7)});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_FALSE(all[0].ended);
  EXPECT_EQ(all[1].ended, seconds(5));
}

}  // namespace
}  // namespace crypelab::evidence::allocations_test
