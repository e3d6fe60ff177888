#include "harness/lab/loop.h"

#include "harness/base/descriptor.h"

#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

namespace crypelab::lab::loop_test {
namespace {

using namespace std::chrono_literals;

TEST(Loop, moments_come_in_their_order_whatever_the_order_of_asking) {
  Loop loop;
  std::vector<int> seen;
  const auto now = Loop::Clock::now();
  loop.at(now + 3ms, [&] { seen.push_back(2); });
  loop.at(now + 1ms, [&] { seen.push_back(1); });
  EXPECT_TRUE(loop.run_until([&] { return seen.size() == 2; }, now + 2s));
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
  EXPECT_GE(Loop::Clock::now(), now + 3ms);
}

TEST(Loop, a_descriptor_that_can_be_read_is_called_and_may_forget_itself) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Descriptor reading(ends[0]);
  const Descriptor writing(ends[1]);
  Loop loop;
  int calls = 0;
  loop.watch(reading.get(), [&] {
    ++calls;
    loop.forget(reading.get());
  });
  ASSERT_EQ(write(writing.get(), "x", 1), 1);
  EXPECT_TRUE(loop.run_until([&] { return calls == 1; }, Loop::Clock::now() + 2s));
  EXPECT_FALSE(loop.run_until([&] { return calls == 2; }, Loop::Clock::now() + 5ms));
}

TEST(Loop, a_deadline_ends_the_wait) {
  Loop loop;
  const auto now = Loop::Clock::now();
  EXPECT_FALSE(loop.run_until([] { return false; }, now + 2ms));
  EXPECT_GE(Loop::Clock::now(), now + 2ms);
}

}  // namespace
}  // namespace crypelab::lab::loop_test
