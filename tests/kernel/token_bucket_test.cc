#include "harness/kernel/token_bucket.h"

#include "datagram.h"
#include "harness/base/error.h"
#include "harness/kernel/cable.h"
#include "own_network.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace crypelab::kernel::token_bucket_test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kPayload = 1000;
constexpr std::size_t kFrame = kPayload + 8 + 20 + 14;

struct Joined {
  NetworkNamespace left;
  NetworkNamespace right;
  Cable cable{{left, "eth0", {2, 0, 0, 0, 0, 1}}, {right, "eth0", {2, 0, 0, 0, 0, 2}}};

  Joined() {
    cable.raise();
    cable.first().add(prefix("10.9.0.1/24"));
    cable.second().add(prefix("10.9.0.2/24"));
    const Datagrams one(left, "10.9.0.1:1");
    const Datagrams two(right, "10.9.0.2:1");
    EXPECT_TRUE(reaches(one, two, "10.9.0.2:1"));  // neighbours know each other before anything is measured
  }
};

// Sends more than `shaping` queues, and gives the bits per second between the first and the last arrival.
double measured_rate(const Datagrams& from, const Datagrams& to, const char* destination, std::size_t packets) {
  const std::string payload(kPayload, 'x');
  for (std::size_t i = 0; i < packets; ++i) from.send(destination, payload);
  std::size_t arrived = 0;
  auto first = Clock::now();
  auto last = first;
  while (to.receive(std::chrono::milliseconds(300))) {
    last = Clock::now();
    if (arrived == 0) first = last;
    ++arrived;
  }
  if (arrived < 2) return 0;
  return static_cast<double>((arrived - 1) * kFrame * 8) / std::chrono::duration<double>(last - first).count();
}

// The smallest burst: two frames leave at once, every other one at its time.
constexpr std::uint64_t kTwoFrames = 2 * 1514;

TEST_F(token_bucket, the_rate_holds_in_its_direction_and_not_in_the_other) {
  const Joined hosts;
  const TokenBucket bucket(hosts.cable.first(), {{4'000'000}, {kTwoFrames}, {200'000}});
  const Datagrams left(hosts.left, "10.9.0.1:7");
  const Datagrams right(hosts.right, "10.9.0.2:7");
  constexpr std::size_t kPackets = 100;  // 0.2 s at this rate
  EXPECT_NEAR(measured_rate(left, right, "10.9.0.2:7", kPackets), 4e6, 0.4e6);
  EXPECT_GT(measured_rate(right, left, "10.9.0.1:7", kPackets), 20e6);
}

TEST_F(token_bucket, the_rate_changes_at_run_time) {
  const Joined hosts;
  TokenBucket bucket(hosts.cable.first(), {{4'000'000}, {kTwoFrames}, {200'000}});
  bucket.replace({{8'000'000}, {kTwoFrames}, {200'000}});
  const Datagrams left(hosts.left, "10.9.0.1:7");
  const Datagrams right(hosts.right, "10.9.0.2:7");
  EXPECT_NEAR(measured_rate(left, right, "10.9.0.2:7", 100), 8e6, 0.8e6);
}

TEST_F(token_bucket, without_it_there_is_no_limit_any_more) {
  const Joined hosts;
  { const TokenBucket bucket(hosts.cable.first(), {{4'000'000}, {kTwoFrames}, {200'000}}); }
  const Datagrams left(hosts.left, "10.9.0.1:7");
  const Datagrams right(hosts.right, "10.9.0.2:7");
  EXPECT_GT(measured_rate(left, right, "10.9.0.2:7", 100), 20e6);
}

TEST_F(token_bucket, what_does_not_fit_the_queue_is_dropped) {
  const Joined hosts;
  const TokenBucket bucket(hosts.cable.first(), {{4'000'000}, {kTwoFrames}, {10 * kFrame}});
  const Datagrams left(hosts.left, "10.9.0.1:7");
  const Datagrams right(hosts.right, "10.9.0.2:7");
  for (int i = 0; i < 100; ++i) left.send("10.9.0.2:7", std::string(kPayload, 'x'));
  std::size_t arrived = 0;
  while (right.receive(std::chrono::milliseconds(200))) ++arrived;
  EXPECT_GE(arrived, 10U);
  EXPECT_LE(arrived, 20U);
}

TEST_F(token_bucket, a_second_one_on_the_same_interface_is_refused) {
  const Joined hosts;
  const TokenBucket bucket(hosts.cable.first(), shaping_for({1'000'000}));
  EXPECT_THROW(TokenBucket(hosts.cable.first(), shaping_for({1'000'000})), Failure);
}

TEST(shaping, burst_and_queue_follow_the_rate) {
  EXPECT_EQ(shaping_for({1'000'000}).burst.bytes, kTwoFrames);
  EXPECT_EQ(shaping_for({1'000'000'000}).burst.bytes, 625'000U);
  EXPECT_EQ(shaping_for({10'000'000}).queue.bytes, 125'000U);
  EXPECT_EQ(shaping_for({100'000}).queue.bytes, 15'140U);
}

}  // namespace
}  // namespace crypelab::kernel::token_bucket_test
