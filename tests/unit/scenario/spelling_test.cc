#include "harness/scenario/spelling.h"

#include <gtest/gtest.h>

namespace crypelab::scenario::spelling_test {
namespace {

TEST(Spelling, distance_counts_insertions_deletions_replacements_and_swaps) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("udp", "upd"), 1u);
  EXPECT_EQ(edit_distance("dely", "delay"), 1u);
  EXPECT_EQ(edit_distance("delayy", "delay"), 1u);
  EXPECT_EQ(edit_distance("dalay", "delay"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Spelling, only_near_words_are_guessed) {
  const std::vector<std::string_view> known{"delay", "internal-only", "udp-timer", "up"};
  EXPECT_EQ(did_you_mean("Delay", known), "did you mean 'delay'?");
  EXPECT_EQ(did_you_mean("udp_timer", known), "did you mean 'udp-timer'?");
  EXPECT_EQ(did_you_mean("internal", known), "did you mean 'internal-only'?");
  EXPECT_EQ(did_you_mean("bandwidth", known), "");
  EXPECT_EQ(did_you_mean("", known), "");
  EXPECT_EQ(did_you_mean(std::string(1000, 'd'), known), "");
}

}  // namespace
}  // namespace crypelab::scenario::spelling_test
