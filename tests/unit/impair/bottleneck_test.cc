#include "harness/impair/bottleneck.h"

#include "packets.h"

#include <gtest/gtest.h>

namespace crypelab::impair::bottleneck_test {
namespace {

using namespace std::chrono_literals;

Impairment at_rate(std::uint64_t bits_per_second) {
  Impairment impairment;
  impairment.rate = BitRate{bits_per_second};
  impairment.queue.packets = 100'000;
  return impairment;
}

Impairment with_trace(std::string_view text) {
  Impairment impairment;
  impairment.trace = *parse_delivery_trace(text);
  return impairment;
}

TEST(Bottleneck, a_backlog_takes_exactly_its_bits_over_the_rate) {
  // 1000 packets of 1513 bytes at 7.777777 Mbit/s: the ends lie on no whole nanosecond, and nothing may add up.
  const auto seen = [] {
    ImpairedQueue queue(at_rate(7'777'777));
    for (std::uint32_t i = 1; i <= 1000; ++i) queue.push(0s, numbered_frame(i, 1513));
    return drain(queue);
  }();
  ASSERT_EQ(seen.size(), 1000u);
  for (std::uint64_t n = 1; n <= 1000; ++n) {
    const std::uint64_t exact = (n * 1513 * 8 * 1'000'000'000 + 7'777'776) / 7'777'777;  // rounded up
    ASSERT_EQ(static_cast<std::uint64_t>(seen[n - 1].time.count()), exact) << n;
  }
}

TEST(Bottleneck, an_idle_line_saves_nothing_up) {
  ImpairedQueue queue(at_rate(912'000));
  queue.push(0s, numbered_frame(1));
  drain(queue);
  queue.push(10s, numbered_frame(2));
  queue.push(10s, numbered_frame(3));
  EXPECT_EQ(drain(queue), (std::vector<Seen>{{2, 10s + 1ms}, {3, 10s + 2ms}}));
}

TEST(Bottleneck, a_full_queue_drops_the_newcomer_by_packets) {
  Impairment impairment = at_rate(912'000);
  impairment.queue.packets = 4;
  ImpairedQueue queue(impairment);
  for (std::uint32_t i = 1; i <= 10; ++i) queue.push(0s, numbered_frame(i));
  EXPECT_EQ(queue.counters().queue_full, 6u);
  queue.push(1ms, numbered_frame(11));  // packet 1 has just left
  queue.push(1ms, numbered_frame(12));
  EXPECT_EQ(queue.counters().queue_full, 7u);
  const auto seen = drain(queue);
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ(seen.back(), (Seen{11, 5ms}));
}

TEST(Bottleneck, a_full_queue_drops_the_newcomer_by_bytes) {
  Impairment impairment = at_rate(912'000);
  impairment.queue = {ByteCount{400}, std::nullopt};
  ImpairedQueue queue(impairment);
  for (std::uint32_t i = 1; i <= 3; ++i) queue.push(0s, numbered_frame(i));  // 342 bytes
  queue.push(0s, numbered_frame(4));
  queue.push(0s, numbered_frame(5, 58));
  EXPECT_EQ(queue.counters().queue_full, 1u);
  EXPECT_EQ(drain(queue).back().number, 5u);
}

TEST(Bottleneck, an_empty_queue_takes_any_packet) {
  Impairment impairment = at_rate(1'000'000);
  impairment.queue = {ByteCount{100}, std::nullopt};
  ImpairedQueue queue(impairment);
  queue.push(0s, numbered_frame(1, 1514));
  EXPECT_EQ(queue.counters().queue_full, 0u);
  EXPECT_EQ(drain(queue).size(), 1u);
}

TEST(Bottleneck, the_default_queue_holds_a_tenth_of_a_second) {
  Impairment impairment;
  impairment.rate = BitRate{12'112'000};  // 1000 full frames a second
  ImpairedQueue queue(impairment);
  for (std::uint32_t i = 1; i <= 300; ++i) queue.push(0s, numbered_frame(i, 1514));
  EXPECT_EQ(queue.counters().waiting, 100u);
  EXPECT_EQ(queue.counters().queue_full, 200u);
}

TEST(Bottleneck, a_trace_delivers_at_its_times_and_starts_again) {
  ImpairedQueue queue(with_trace("3\n5\n5\n10\n"));
  for (std::uint32_t i = 1; i <= 6; ++i) queue.push(0s, numbered_frame(i, 1514));
  EXPECT_EQ(drain(queue), (std::vector<Seen>{{1, 3ms}, {2, 5ms}, {3, 5ms}, {4, 10ms}, {5, 13ms}, {6, 15ms}}));
}

TEST(Bottleneck, an_opportunity_is_shared_by_small_packets_and_wasted_by_late_ones) {
  ImpairedQueue queue(with_trace("1\n2\n"));
  queue.push(0s, numbered_frame(1, 14 + 1000));
  queue.push(0s, numbered_frame(2, 14 + 400));
  queue.push(0s, numbered_frame(3, 14 + 400));  // 100 bytes in the first, 300 in the second
  EXPECT_EQ(drain(queue, 1ms), (std::vector<Seen>{{1, 1ms}, {2, 1ms}}));
  EXPECT_EQ(drain(queue), (std::vector<Seen>{{3, 2ms}}));
  queue.push(2500us, numbered_frame(4, 14 + 400));  // the rest of the second is gone
  EXPECT_EQ(drain(queue), (std::vector<Seen>{{4, 3ms}}));
  queue.push(1000s + 1us, numbered_frame(5, 14 + 3000));  // two opportunities, after a long silence
  EXPECT_EQ(drain(queue), (std::vector<Seen>{{5, 1000s + 2ms}}));
}

TEST(Bottleneck, a_trace_carries_its_average_rate) {
  Impairment impairment = with_trace("1\n2\n3\n4\n");  // 12 Mbit/s of IP
  EXPECT_EQ(impairment.trace->average(), BitRate{12'000'000});
  impairment.queue.packets = 10'000;
  ImpairedQueue queue(impairment);
  for (std::uint32_t i = 1; i <= 2000; ++i) queue.push(0s, numbered_frame(i, 14 + 750));
  EXPECT_EQ(drain(queue).back().time, 1s);
}

TEST(Bottleneck, a_trace_begins_when_it_is_set) {
  ImpairedQueue queue(Impairment{});
  queue.change(700ms, with_trace("8\n"));
  queue.push(701ms, numbered_frame(1));
  EXPECT_EQ(drain(queue), (std::vector<Seen>{{1, 708ms}}));
}

}  // namespace
}  // namespace crypelab::impair::bottleneck_test
