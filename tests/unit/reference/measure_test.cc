#include "clients/reference/measure/arrivals.h"
#include "clients/reference/measure/distribution.h"
#include "clients/reference/measure/send_window.h"
#include "clients/reference/measure/test_message.h"
#include "seeded_random.h"

#include <gtest/gtest.h>

namespace crypelab::client::measure::measure_test {
namespace {

using namespace std::chrono_literals;

TEST(TestHeader, is_24_bytes_in_network_order) {
  std::array<std::uint8_t, 30> message{};
  const TestHeader header{.kind = Kind::throughput,
                          .phase = 0x0102,
                          .length = 30,
                          .sequence = 0x0A0B0C0D0E0F1011,
                          .microseconds = 0x2122232425262728};
  header.write(message);
  const std::array<std::uint8_t, 24> expected{3,    1,    1,    2,    0,    0,    0,    30,   0x0A, 0x0B, 0x0C, 0x0D,
                                              0x0E, 0x0F, 0x10, 0x11, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28};
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), message.begin()));
  EXPECT_EQ(TestHeader::parse(message), header);
}

TEST(TestHeader, is_not_read_from_what_is_none) {
  std::array<std::uint8_t, 24> message{};
  TestHeader{}.write(message);
  EXPECT_TRUE(TestHeader::parse(message));
  EXPECT_FALSE(TestHeader::parse(wire::Bytes(message).first(23)));
  auto bad = message;
  bad[0] = 5;
  EXPECT_FALSE(TestHeader::parse(bad));
  bad = message;
  bad[1] = 2;
  EXPECT_FALSE(TestHeader::parse(bad));
  bad = message;
  bad[7] = 25;
  EXPECT_FALSE(TestHeader::parse(bad));
}

TEST(Distribution, quantiles_are_within_a_sixty_fourth) {
  SeededRandom random(3);
  Distribution distribution;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<std::int64_t>(random.below(1 << (random.below(24) + 1)));
    values.push_back(value);
    distribution.record(Duration(value));
  }
  std::sort(values.begin(), values.end());
  EXPECT_EQ(distribution.min().count(), values.front());
  EXPECT_EQ(distribution.max().count(), values.back());
  for (const double share : {0.01, 0.5, 0.9, 0.95, 0.99, 0.999}) {
    const auto exact = static_cast<double>(values[static_cast<std::size_t>(share * 20'000) - 1]);
    EXPECT_NEAR(static_cast<double>(distribution.quantile(share).count()), exact, exact / 64 + 1) << share;
  }
  EXPECT_EQ(distribution.quantile(1.0), distribution.max());
  EXPECT_EQ(Distribution().quantile(0.5).count(), 0);
}

TEST(Distribution, takes_any_value) {
  Distribution distribution;
  distribution.record(-5us);
  distribution.record(Duration::max());
  EXPECT_EQ(distribution.count(), 2U);
  EXPECT_EQ(distribution.min().count(), 0);
}

TEST(Arrivals, tells_the_missing_the_late_and_the_repeated_apart) {
  Arrivals arrivals;
  const Time start(1h);
  for (const std::uint64_t n : {0U, 1U, 3U, 2U, 3U, 6U}) arrivals.take(n, 10, start + n * 1ms);
  EXPECT_EQ(arrivals.received(), 5U);
  EXPECT_EQ(arrivals.bytes(), 50U);
  EXPECT_EQ(arrivals.reordered(), 1U);
  EXPECT_EQ(arrivals.duplicated(), 1U);
  EXPECT_EQ(arrivals.highest(), 6U);
  EXPECT_EQ(arrivals.span(), 6ms);
}

TEST(Arrivals, memory_does_not_grow_with_hostile_numbers) {
  Arrivals arrivals;
  EXPECT_TRUE(arrivals.take(~std::uint64_t{0} - 1, 1, Time(1h)));
  EXPECT_FALSE(arrivals.take(0, 1, Time(1h)));
  EXPECT_EQ(arrivals.received(), 1U);
}

TEST(SendWindow, is_as_long_as_what_left_within_a_second) {
  SendWindow window;
  std::uint64_t waiting = 0;
  // Sends what it may, ten milliseconds after ten milliseconds; the path takes `rate` bytes a second.
  const auto send = [&](Time from, Duration time, std::uint64_t rate) {
    for (auto now = from; now < from + time; now += 10ms) {
      for (; waiting < window.room(); waiting += 1'000) window.took(1'000, now);
      window.refused();
      waiting -= std::min(waiting, rate / 100);
    }
  };
  send(Time(1h), 5s, 25'000);  // 200 kbit/s
  EXPECT_EQ(window.room(), SendWindow::least);
  send(Time(1h) + 5s, 3s, 12'500'000);  // 100 Mbit/s
  EXPECT_GT(window.room(), 5'000'000U);
  send(Time(1h) + 8s, 3s, 2'500'000);  // 20 Mbit/s
  EXPECT_LT(window.room(), 3'000'000U);
}

}  // namespace
}  // namespace crypelab::client::measure::measure_test
