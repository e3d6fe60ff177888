#include "harness/evidence/key_log.h"

#include <gtest/gtest.h>

namespace crypelab::evidence::key_log_test {
namespace {

const std::string kRandom(64, 'a');

TEST(KeyLog, keys_are_kept_and_everything_else_is_left_out) {
  const std::string good = "CLIENT_RANDOM " + kRandom + " 0123456789abcdefABCDEF\n";
  const std::string newer = "CLIENT_TRAFFIC_SECRET_0 " + kRandom + " 00";
  EXPECT_EQ(key_log_lines("# comment\n" + good + "password=wonderland\n" + newer), good + newer + "\n");
  for (const auto& bad :
       {"CLIENT_RANDOM " + kRandom, "CLIENT_RANDOM " + kRandom + " ", "CLIENT_RANDOM " + kRandom + "a 00",
        "client " + kRandom + " 00", " " + kRandom + " 00", "CLIENT_RANDOM " + kRandom + " 0g",
        "CLIENT_RANDOM " + kRandom + " " + std::string(300, '0')}) {
    EXPECT_EQ(key_log_lines(bad + "\n"), "") << bad;
  }
}

}  // namespace
}  // namespace crypelab::evidence::key_log_test
