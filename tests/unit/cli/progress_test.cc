#include "harness/cli/progress.h"

#include <gtest/gtest.h>

namespace crypelab::cli::progress_test {
namespace {

using namespace std::chrono_literals;

TEST(Progress, what_is_left_takes_as_long_as_what_was_done) {
  EXPECT_EQ(remaining(0, 10, 5s), "");
  EXPECT_EQ(remaining(5, 10, 20s), ", about 20 s left");
  EXPECT_EQ(remaining(1, 11, 9s), ", about 1 min 30 s left");
  EXPECT_EQ(remaining(10, 10, 5s), "");
}

TEST(Progress, in_a_log_there_is_a_line_for_each_attempt_and_nothing_else) {
  testing::internal::CaptureStdout();
  Progress progress(12, false);
  progress.started("nat/s03");
  progress.started("proxy/s33");
  progress.tick();
  progress.finished("proxy/s33", 1234ms, "fail", "the proxy answered 403");
  progress.end();
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            " 1/12  fail             1.2 s  proxy/s33: the proxy answered 403\n");
}

TEST(Progress, on_a_terminal_what_is_under_way_stands_below_and_goes_away) {
  testing::internal::CaptureStdout();
  Progress progress(5, true);
  for (const char* name : {"a", "b", "c", "d"}) progress.started(name);
  progress.tick();
  progress.finished("a", 1s, "pass", "");
  progress.tick();
  progress.end();
  const auto text = testing::internal::GetCapturedStdout();
  EXPECT_NE(text.find("0 of 5 done; running: a, b, c and 1 more"), std::string::npos) << text;
  EXPECT_NE(text.find("1 of 5 done, about "), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\r\x1b[K")) << text;
}

}  // namespace
}  // namespace crypelab::cli::progress_test
