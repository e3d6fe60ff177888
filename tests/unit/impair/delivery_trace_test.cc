#include "harness/impair/delivery_trace.h"

#include <string>

#include <gtest/gtest.h>

namespace crypelab::impair::delivery_trace_test {
namespace {

using namespace std::chrono_literals;

TEST(DeliveryTrace, lines_are_times) {
  const auto trace = parse_delivery_trace("0\n5\n 5\t\r\n17");
  ASSERT_TRUE(trace) << trace.complaint();
  EXPECT_EQ(trace->milliseconds(), (std::vector<std::uint32_t>{0, 5, 5, 17}));
}

TEST(DeliveryTrace, complaints_name_the_line) {
  const std::pair<const char*, const char*> cases[] = {
      {"1\nx\n", "line 2: 'x' is not"},
      {"1\n\n2\n", "line 2: '' is not"},
      {"5\n6\n4\n", "line 3: 4 is earlier than the 6"},
      {"1\n-2\n", "line 2: '-2' is not"},
      {"1.5\n", "line 1: '1.5' is not"},
      {"99999999999999999999\n", "line 1: '99999999999999999999' is beyond"},
      {"86400001\n", "line 1: '86400001' is beyond"},
      {"\x1b[31m\n", "line 1: '?[31m' is not"},
  };
  for (const auto& [text, complaint] : cases) {
    const auto trace = parse_delivery_trace(text);
    ASSERT_FALSE(trace) << text;
    EXPECT_EQ(trace.complaint().find(complaint), 0u) << trace.complaint();
  }
}

TEST(DeliveryTrace, empty_and_timeless_traces_are_refused) {
  EXPECT_FALSE(parse_delivery_trace(""));
  EXPECT_FALSE(parse_delivery_trace("0\n0\n"));
  EXPECT_FALSE(DeliveryTrace::of({3, 2}));
}

TEST(DeliveryTrace, a_trace_has_a_longest_length) {
  std::string text;
  for (std::size_t i = 0; i < DeliveryTrace::kMaxOpportunities; ++i) text += "7\n";
  EXPECT_TRUE(parse_delivery_trace(text));
  EXPECT_FALSE(parse_delivery_trace(text + "7\n"));
}

TEST(DeliveryTrace, every_opportunity_is_found_at_its_own_time) {
  const auto trace = *parse_delivery_trace("0\n2\n2\n9\n");
  for (std::uint64_t number = 0; number < 40; ++number) {
    const Time time = trace.time_of(number);
    const std::uint64_t first = trace.first_at(time);
    EXPECT_LE(first, number);
    EXPECT_EQ(trace.time_of(first), time);
    if (first > 0) {
      EXPECT_LT(trace.time_of(first - 1), time);
    }
    EXPECT_GT(trace.time_of(trace.first_at(time + 1ns)), time);
  }
  EXPECT_EQ(trace.first_at(-5ms), 0u);
}

}  // namespace
}  // namespace crypelab::impair::delivery_trace_test
