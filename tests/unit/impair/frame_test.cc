#include "harness/impair/frame.h"

#include "harness/impair/lateness.h"
#include "packets.h"

#include <gtest/gtest.h>

namespace crypelab::impair::frame_test {
namespace {

using namespace std::chrono_literals;

Frame ipv6(std::uint8_t next_header, std::vector<std::uint8_t> rest) {
  Frame frame = numbered_frame(0, 14 + 40 + rest.size());
  std::uint8_t* ethernet = frame.data() + Frame::kVnetHeader;
  ethernet[12] = 0x86;
  ethernet[13] = 0xdd;
  ethernet[14] = 0x60;
  ethernet[14 + 6] = next_header;
  std::copy(rest.begin(), rest.end(), ethernet + 14 + 40);
  return frame;
}

TEST(Frame, traffic_is_told_apart_from_the_links_own_business) {
  const auto control = [](const Frame& frame) { return is_link_control(frame.bytes()); };
  EXPECT_FALSE(control(numbered_frame(1)));
  Frame igmp = numbered_frame(1);
  igmp.data()[Frame::kVnetHeader + 23] = 2;
  EXPECT_TRUE(control(igmp));
  Frame arp = numbered_frame(1);
  arp.data()[Frame::kVnetHeader + 13] = 0x06;
  EXPECT_TRUE(control(arp));
  EXPECT_FALSE(control(ipv6(17, {0, 1, 2, 3, 4, 5, 6, 7})));
  EXPECT_FALSE(control(ipv6(58, {128, 0, 0, 0})));                            // echo
  EXPECT_FALSE(control(ipv6(58, {2, 0, 0, 0})));                              // packet too big
  EXPECT_TRUE(control(ipv6(58, {135, 0, 0, 0})));                             // neighbour solicitation
  EXPECT_TRUE(control(ipv6(58, {134, 0, 0, 0})));                             // router advertisement
  EXPECT_TRUE(control(ipv6(0, {58, 0, 5, 2, 0, 0, 1, 0, 143, 0, 0, 0})));     // MLDv2 report
  EXPECT_FALSE(control(ipv6(0, {17, 0, 5, 2, 0, 0, 1, 0, 143, 0, 0, 0})));    // UDP behind options
  EXPECT_FALSE(control(ipv6(0, {58, 255, 5, 2, 0, 0, 1, 0, 143, 0, 0, 0})));  // options beyond the frame
}

TEST(Frame, short_frames_are_read_within_their_bounds) {
  for (std::size_t size = 0; size < 70; ++size) {
    Frame frame = ipv6(0, {58, 0, 5, 2, 0, 0, 1, 0, 143, 0, 0, 0});
    const Frame cut = Frame::copy_of(frame.bytes().first(size));
    is_link_control(cut.bytes());
    EXPECT_EQ(cut.wire_size(), size > 10 ? size - 10 : 0);
    EXPECT_EQ(cut.ip_size(), size > 24 ? size - 24 : 0);
  }
}

TEST(Lateness, percentiles_are_within_four_percent) {
  Lateness lateness;
  EXPECT_EQ(lateness.percentile(50), 0ns);
  for (int i = 1; i <= 1000; ++i) lateness.add(i * 10us);
  EXPECT_NEAR(static_cast<double>(lateness.percentile(50).count()), 5e6, 0.2e6);
  EXPECT_NEAR(static_cast<double>(lateness.percentile(99).count()), 9.9e6, 0.4e6);
  EXPECT_GE(lateness.percentile(50), 5ms);
  EXPECT_EQ(lateness.percentile(100), 10ms);
  EXPECT_EQ(lateness.max(), 10ms);
}

TEST(Lateness, small_and_huge_values_fit) {
  Lateness lateness;
  lateness.add(-5ns);
  EXPECT_EQ(lateness.percentile(100), 0ns);
  lateness.add(31ns);
  lateness.add(32ns);
  EXPECT_EQ(lateness.percentile(66), 31ns);
  EXPECT_EQ(lateness.percentile(100), 32ns);
  lateness.add(1h);
  EXPECT_EQ(lateness.max(), 1h);
  EXPECT_GT(lateness.percentile(100), 4s);
}

}  // namespace
}  // namespace crypelab::impair::frame_test
