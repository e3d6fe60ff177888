#include "harness/impair/impaired_queue.h"

#include "harness/base/error.h"
#include "packets.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

namespace crypelab::impair::impaired_queue_test {
namespace {

using namespace std::chrono_literals;

TEST(ImpairedQueue, nothing_happens_without_an_impairment) {
  ImpairedQueue queue(Impairment{});
  EXPECT_EQ(queue.next_wake(), kNever);
  queue.push(5us, numbered_frame(1));
  const auto delivery = queue.pop(5us);
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->due, 5us);
  EXPECT_EQ(number_of(delivery->frame), 1u);
  EXPECT_EQ(queue.next_wake(), kNever);
}

TEST(ImpairedQueue, delay_is_added_exactly) {
  Impairment impairment;
  impairment.delay = 20ms;
  ImpairedQueue queue(impairment);
  queue.push(1ms, numbered_frame(1));
  queue.push(7ms, numbered_frame(2));
  EXPECT_FALSE(queue.pop(21ms - 1ns));
  EXPECT_EQ(queue.next_wake(), 21ms);
  EXPECT_EQ(drain(queue), (std::vector<Seen>{{1, 21ms}, {2, 27ms}}));
}

TEST(ImpairedQueue, late_calls_do_not_delay_later_packets) {
  Impairment impairment;
  impairment.delay = 5ms;
  impairment.rate = BitRate{912'000};  // 114 bytes a millisecond
  ImpairedQueue queue(impairment);
  for (std::uint32_t i = 1; i <= 3; ++i) queue.push(0ms, numbered_frame(i));
  std::vector<Time> due;
  while (auto delivery = queue.pop(1s)) due.push_back(delivery->due);
  EXPECT_EQ(due, (std::vector<Time>{6ms, 7ms, 8ms}));
}

TEST(ImpairedQueue, uniform_jitter_stays_in_its_bounds_and_fills_them) {
  Impairment impairment;
  impairment.delay = 50ms;
  impairment.jitter = {10ms, Distribution::uniform, true};
  Time lowest = kNever, highest{}, sum{};
  for (const auto& seen : through(impairment, 10'000, 1us)) {
    const Time delay = seen.time - 1us * seen.number;
    lowest = std::min(lowest, delay);
    highest = std::max(highest, delay);
    sum += delay;
  }
  EXPECT_GE(lowest, 40ms);
  EXPECT_LE(lowest, 40ms + 10us);
  EXPECT_LE(highest, 60ms);
  EXPECT_GE(highest, 60ms - 10us);
  EXPECT_NEAR(static_cast<double>((sum / 10'000).count()), 50e6, 0.25e6);  // 4 sigma of the mean: 0.23 ms
}

TEST(ImpairedQueue, normal_jitter_has_the_declared_deviation) {
  Impairment impairment;
  impairment.delay = 50ms;
  impairment.jitter = {5ms, Distribution::normal, true};
  double sum = 0, squares = 0;
  int beyond_one = 0;
  for (const auto& seen : through(impairment, 10'000, 1us)) {
    const double error = static_cast<double>((seen.time - 1us * seen.number).count()) / 1e6 - 50;
    sum += error;
    squares += error * error;
    if (error > 5 || error < -5) ++beyond_one;
  }
  EXPECT_NEAR(sum / 10'000, 0, 0.2);                  // 4 sigma of the mean
  EXPECT_NEAR(std::sqrt(squares / 10'000), 5, 0.15);  // 4 sigma of the deviation
  EXPECT_NEAR(beyond_one, 3173, 190);                 // 31.73 % of a normal distribution
}

TEST(ImpairedQueue, jitter_never_reorders_when_that_is_forbidden) {
  Impairment impairment;
  impairment.delay = 50ms;
  impairment.jitter = {40ms, Distribution::uniform, false};
  LinkCounters counters;
  const auto seen = through(impairment, 2000, 1ms, &counters);
  ASSERT_EQ(seen.size(), 2000u);
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i].number, i + 1);
  EXPECT_EQ(counters.reordered, 0u);

  impairment.jitter.may_reorder = true;
  through(impairment, 2000, 1ms, &counters);
  EXPECT_GT(counters.reordered, 500u);
}

TEST(ImpairedQueue, jitter_above_the_delay_does_not_reach_into_the_past) {
  Impairment impairment;
  impairment.delay = 1ms;
  impairment.jitter = {30ms, Distribution::uniform, true};
  for (const auto& seen : through(impairment, 500, 1ms)) EXPECT_GE(seen.time, 1ms * seen.number);
}

TEST(ImpairedQueue, a_held_back_packet_is_overtaken_and_counted) {
  Impairment impairment;
  impairment.delay = 10ms;
  impairment.reordering = {Ratio{100'000}, 25ms};
  LinkCounters counters;
  const auto seen = through(impairment, 5000, 10ms, &counters);
  std::uint64_t held = 0;
  for (const auto& packet : seen) {
    const Time delay = packet.time - 10ms * packet.number;
    EXPECT_TRUE(delay == 10ms || delay == 35ms) << delay.count();
    if (delay == 35ms) ++held;
  }
  EXPECT_NEAR(static_cast<double>(held), 500, 85);  // 4 sigma of a binomial
  EXPECT_GT(counters.reordered, held * 9 / 10);     // not those before two others that are held back too
  EXPECT_LE(counters.reordered, held);
}

TEST(ImpairedQueue, a_copy_follows_its_original) {
  Impairment impairment;
  impairment.duplication = Ratio{50'000};
  LinkCounters counters;
  const auto seen = through(impairment, 10'000, 1us, &counters);
  EXPECT_EQ(seen.size(), 10'000 + counters.duplicated);
  EXPECT_NEAR(static_cast<double>(counters.duplicated), 500, 88);
  std::uint64_t pairs = 0;
  for (std::size_t i = 1; i < seen.size(); ++i) pairs += seen[i].number == seen[i - 1].number ? 1 : 0;
  EXPECT_EQ(pairs, counters.duplicated);
  EXPECT_TRUE(balances(counters));
}

TEST(ImpairedQueue, a_packet_above_the_mtu_vanishes) {
  Impairment impairment;
  impairment.mtu = ByteCount{1280};
  ImpairedQueue queue(impairment);
  queue.push(0s, numbered_frame(1, 14 + 1280));
  queue.push(0s, numbered_frame(2, 14 + 1281));
  EXPECT_EQ(drain(queue).size(), 1u);
  EXPECT_EQ(queue.counters().too_big, 1u);
}

TEST(ImpairedQueue, the_same_seed_gives_the_same_packets_at_the_same_times) {
  Impairment impairment;
  impairment.seed = 42;
  impairment.delay = 30ms;
  impairment.jitter = {10ms, Distribution::normal, true};
  impairment.loss = IndependentLoss{Ratio{20'000}};
  impairment.duplication = Ratio{10'000};
  impairment.reordering = {Ratio{10'000}, 5ms};
  impairment.rate = BitRate{10'000'000};
  const auto once = through(impairment, 3000, 100us);
  EXPECT_EQ(through(impairment, 3000, 100us), once);
  impairment.seed = 43;
  EXPECT_NE(through(impairment, 3000, 100us), once);
}

TEST(ImpairedQueue, which_packets_are_lost_depends_on_the_seed_alone) {
  Impairment impairment;
  impairment.seed = 7;
  impairment.loss = IndependentLoss{Ratio{50'000}};
  std::set<std::uint32_t> plain, busy;
  for (const auto& seen : through(impairment, 2000, 1ms)) plain.insert(seen.number);
  impairment.delay = 20ms;
  impairment.jitter = {5ms, Distribution::uniform, true};
  impairment.duplication = Ratio{100'000};
  for (const auto& seen : through(impairment, 2000, 3ms)) busy.insert(seen.number);
  EXPECT_EQ(plain, busy);
  EXPECT_LT(plain.size(), 2000u);
}

TEST(ImpairedQueue, link_control_is_delayed_but_neither_numbered_nor_lost) {
  Impairment impairment;
  impairment.delay = 3ms;
  impairment.loss = IndependentLoss{Ratio{1'000'000}};
  ImpairedQueue queue(impairment);
  Frame arp = numbered_frame(1);
  arp.data()[Frame::kVnetHeader + 13] = 0x06;
  queue.push(0s, std::move(arp));
  queue.push(0s, numbered_frame(2));
  EXPECT_EQ(drain(queue), (std::vector<Seen>{{1, 3ms}}));
  EXPECT_EQ(queue.counters().lost, 1u);
  EXPECT_EQ(queue.counters().link_control, 1u);

  impairment.loss = {};
  impairment.lost_packets = {{1, 1}};
  queue.change(10ms, impairment);
  arp = numbered_frame(3);
  arp.data()[Frame::kVnetHeader + 13] = 0x06;
  queue.push(10ms, std::move(arp));
  queue.push(10ms, numbered_frame(4));  // packet 1
  queue.push(10ms, numbered_frame(5));
  EXPECT_EQ(drain(queue), (std::vector<Seen>{{3, 13ms}, {5, 13ms}}));
  EXPECT_EQ(queue.counters().listed, 1u);
}

TEST(ImpairedQueue, a_change_loses_nothing_that_is_under_way) {
  Impairment slow;
  slow.delay = 50ms;
  slow.rate = BitRate{912'000};  // a packet a millisecond
  ImpairedQueue queue(slow);
  for (std::uint32_t i = 1; i <= 10; ++i) queue.push(0s, numbered_frame(i));
  EXPECT_TRUE(drain(queue, 4500us).empty());  // four have left the bottleneck, the fifth is half sent
  Impairment fast = slow;
  fast.rate = BitRate{9'120'000};
  fast.delay = 10ms;
  queue.change(4500us, fast);
  const auto seen = drain(queue);
  ASSERT_EQ(seen.size(), 10u);
  EXPECT_EQ(seen[0].time, 51ms);  // keeps its moment
  EXPECT_EQ(seen[3].time, 54ms);
  EXPECT_EQ(seen[4].time, 54ms);  // would be due at 14.55 ms, and does not overtake
  EXPECT_TRUE(balances(queue.counters()));
}

TEST(ImpairedQueue, a_new_rate_finishes_the_packet_that_is_half_sent) {
  Impairment slow;
  slow.rate = BitRate{912'000};
  ImpairedQueue queue(slow);
  queue.push(0s, numbered_frame(1));
  queue.push(0s, numbered_frame(2));
  Impairment fast;
  fast.rate = BitRate{9'120'000};
  queue.change(500us, fast);
  EXPECT_EQ(drain(queue), (std::vector<Seen>{{1, 550us}, {2, 650us}}));
}

TEST(ImpairedQueue, taking_the_bottleneck_away_lets_the_queue_out_at_once) {
  Impairment slow;
  slow.rate = BitRate{9120};
  ImpairedQueue queue(slow);
  for (std::uint32_t i = 1; i <= 5; ++i) queue.push(0s, numbered_frame(i));
  queue.change(2ms, Impairment{});
  const auto seen = drain(queue, 2ms);
  ASSERT_EQ(seen.size(), 5u);
  for (const auto& packet : seen) EXPECT_EQ(packet.time, 2ms);
}

TEST(ImpairedQueue, a_refused_change_changes_nothing) {
  ImpairedQueue queue(Impairment{});
  Impairment wrong;
  wrong.delay = 10ms;
  wrong.rate = BitRate{0};
  EXPECT_THROW(queue.change(1ms, wrong), Failure);
  EXPECT_EQ(queue.impairment(), Impairment{});
  EXPECT_THROW(ImpairedQueue{wrong}, Failure);
}

TEST(ImpairedQueue, memory_is_bounded_and_its_overflow_is_the_emulators_own) {
  Impairment impairment;
  impairment.delay = 60s;
  ImpairedQueue queue(impairment, 0s, 100'000);
  for (std::uint32_t i = 1; i <= 1000; ++i) queue.push(0s, numbered_frame(i, 1514));
  const auto counters = queue.counters();
  EXPECT_GT(counters.waiting, 50u);
  EXPECT_LE(counters.waiting_bytes, 100'000u);
  EXPECT_EQ(counters.overflowed, 1000 - counters.waiting);
  EXPECT_EQ(own_drops(counters), counters.overflowed);
  EXPECT_TRUE(balances(counters));
  drain(queue);
  queue.push(100s, numbered_frame(1, 1514));  // room again
  EXPECT_EQ(queue.counters().waiting, 1u);
}

TEST(ImpairedQueue, every_packet_is_accounted_for) {
  Impairment impairment;
  impairment.delay = 5ms;
  impairment.loss = BurstLoss{Ratio{10'000}, Ratio{300'000}, Ratio{0}, Ratio{900'000}};
  impairment.lost_packets = {{3, 3}, {100, 120}};
  impairment.duplication = Ratio{30'000};
  impairment.rate = BitRate{800'000};
  impairment.queue.packets = 20;
  ImpairedQueue queue(impairment);
  for (std::uint32_t i = 1; i <= 5000; ++i) {
    queue.push(800us * i, numbered_frame(i));
    drain(queue, 800us * i);
    ASSERT_TRUE(balances(queue.counters()));
  }
  const auto& c = queue.counters();
  for (const auto count : {c.delivered, c.lost, c.listed, c.queue_full, c.duplicated}) EXPECT_GT(count, 0u);
  drain(queue);
  EXPECT_EQ(queue.counters().waiting, 0u);
  EXPECT_EQ(queue.counters().waiting_bytes, 0u);
}

}  // namespace
}  // namespace crypelab::impair::impaired_queue_test
