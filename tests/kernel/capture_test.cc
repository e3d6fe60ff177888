#include "harness/kernel/capture.h"

#include "datagram.h"
#include "harness/kernel/cable.h"
#include "own_network.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>

namespace crypelab::kernel::capture_test {
namespace {

struct Seen {
  CapturedPacket packet;
  std::string bytes;
};

// Reads until `wanted` packets hold `text`, for two seconds.
std::vector<Seen> seen_with(Capture& capture, std::string_view text, std::size_t wanted) {
  std::vector<Seen> seen;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (seen.size() < wanted && std::chrono::steady_clock::now() < end) {
    pollfd readable{capture.descriptor(), POLLIN, 0};
    ::poll(&readable, 1, 50);
    capture.read([&](const CapturedPacket& packet) {
      std::string bytes(packet.bytes.begin(), packet.bytes.end());
      if (bytes.find(text) != std::string::npos) seen.push_back({packet, bytes});
    });
  }
  return seen;
}

struct Joined {
  NetworkNamespace left;
  NetworkNamespace right;
  Cable cable{{left, "eth0", {2, 0, 0, 0, 0, 1}}, {right, "eth0", {2, 0, 0, 0, 0, 2}}};

  void raise() {
    cable.raise();
    cable.first().add(prefix("10.9.0.1/24"));
    cable.second().add(prefix("10.9.0.2/24"));
  }
};

TEST_F(capture, sees_the_first_packet_of_a_link_and_knows_both_directions) {
  Joined hosts;
  Capture at_left(hosts.cable.first());
  Capture at_right(hosts.cable.second());
  hosts.raise();
  const Datagrams left(hosts.left, "10.9.0.1:7");
  const Datagrams right(hosts.right, "10.9.0.2:7");
  timespec before{};
  ::clock_gettime(CLOCK_MONOTONIC, &before);
  ASSERT_TRUE(left.send("10.9.0.2:7", "first words"));
  const auto sent = seen_with(at_left, "first words", 1);
  const auto received = seen_with(at_right, "first words", 1);
  ASSERT_EQ(sent.size(), 1U);
  ASSERT_EQ(received.size(), 1U);
  EXPECT_TRUE(sent[0].packet.outgoing);
  EXPECT_FALSE(received[0].packet.outgoing);
  EXPECT_EQ(sent[0].bytes, received[0].bytes);
  EXPECT_EQ(sent[0].packet.length, 14U + 20 + 8 + 11);
  EXPECT_LE(sent[0].packet.realtime_ns, received[0].packet.realtime_ns);
  const auto started = before.tv_sec * 1'000'000'000LL + before.tv_nsec;
  constexpr auto kClocksReadApart = 1'000'000;
  EXPECT_GE(sent[0].packet.monotonic_ns, started - kClocksReadApart);
  EXPECT_LE(sent[0].packet.monotonic_ns, started + 5'000'000'000LL);
}

TEST_F(capture, snap_length_cuts_the_bytes_and_not_the_length) {
  Joined hosts;
  Capture capture(hosts.cable.second(), {.snap_length = 60});
  hosts.raise();
  const Datagrams left(hosts.left, "10.9.0.1:7");
  ASSERT_TRUE(left.send("10.9.0.2:7", "words" + std::string(1000, 'x')));
  const auto seen = seen_with(capture, "words", 1);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].bytes.size(), 60U);
  EXPECT_EQ(seen[0].packet.length, 14U + 20 + 8 + 1005);
}

TEST_F(capture, what_nobody_read_in_time_is_counted) {
  Joined hosts;
  Capture capture(hosts.cable.second(), {.ring_bytes = 1});
  hosts.raise();
  const Datagrams left(hosts.left, "10.9.0.1:7");
  const Datagrams right(hosts.right, "10.9.0.2:7");
  ASSERT_TRUE(reaches(left, right, "10.9.0.2:7"));
  EXPECT_EQ(capture.dropped(), 0U);
  constexpr std::size_t kPackets = 1000;  // 1.4 MB into a ring of 512 KiB
  for (std::size_t i = 0; i < kPackets; ++i) {
    left.send("10.9.0.2:7", "flood" + std::string(1400, 'x'));
    right.receive(std::chrono::milliseconds(100));
  }
  std::size_t kept = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (kept + capture.dropped() < kPackets && std::chrono::steady_clock::now() < end) {
    kept += seen_with(capture, "flood", 1).size();
  }
  EXPECT_GT(capture.dropped(), 0U);
  EXPECT_EQ(kept + capture.dropped(), kPackets);
}

TEST_F(capture, goes_on_when_the_link_was_down_for_a_while) {
  Joined hosts;
  Capture capture(hosts.cable.second());
  hosts.raise();
  const Datagrams left(hosts.left, "10.9.0.1:7");
  const Datagrams right(hosts.right, "10.9.0.2:7");
  ASSERT_TRUE(reaches(left, right, "10.9.0.2:7"));
  { const CarrierLoss loss(hosts.cable.first(), hosts.cable.second()); }
  ASSERT_TRUE(reaches(left, right, "10.9.0.2:7"));
  ASSERT_TRUE(left.send("10.9.0.2:7", "afterwards"));
  EXPECT_EQ(seen_with(capture, "afterwards", 1).size(), 1U);
}

TEST_F(capture, without_segmentation_offload_every_frame_fits_the_mtu) {
  const NetworkNamespace left;
  const NetworkNamespace right;
  Cable cable({.in = left, .name = "eth0", .mac = {2, 0, 0, 0, 0, 1}, .segmentation_offload = false},
              {.in = right, .name = "eth0", .mac = {2, 0, 0, 0, 0, 2}});
  Capture capture(cable.second());
  cable.raise();
  cable.first().add(prefix("10.9.0.1/24"));
  cable.second().add(prefix("10.9.0.2/24"));

  const auto longest_frame = [&](const std::string& mark) {
    const Datagrams sender(left, "10.9.0.1:9");
    const Datagrams receiver(right, "10.9.0.2:9");
    EXPECT_TRUE(sender.send_as_segments("10.9.0.2:9", mark + std::string(8 * 1000 - mark.size(), 'x'), 1000));
    for (int i = 0; i < 8; ++i) EXPECT_TRUE(receiver.receive(std::chrono::seconds(2)));
    std::uint32_t longest = 0;
    for (const auto& seen : seen_with(capture, "xxx", 1)) longest = std::max(longest, seen.packet.length);
    return longest;
  };
  EXPECT_EQ(longest_frame("a"), 14U + 20 + 8 + 1000);
  cable.first().set_segmentation_offload(true);
  EXPECT_GT(longest_frame("b"), 1514U);
}

TEST_F(capture, without_datagram_offload_what_the_kernel_cuts_is_cut_before_it_is_seen) {
  Joined hosts;
  Capture capture(hosts.cable.first());
  hosts.raise();
  const Datagrams left(hosts.left, "10.9.0.1:9");
  const Datagrams right(hosts.right, "10.9.0.2:9");
  const auto lengths = [&](char mark, std::size_t frames) {
    EXPECT_TRUE(left.send_as_segments("10.9.0.2:9", std::string(2500, mark), 1000));
    std::vector<std::uint32_t> all;
    for (const auto& seen : seen_with(capture, std::string(100, mark), frames)) all.push_back(seen.packet.length);
    return all;
  };
  EXPECT_EQ(lengths('a', 1), (std::vector<std::uint32_t>{2542}));
  hosts.cable.first().set_datagram_offload(false);
  EXPECT_EQ(lengths('b', 3), (std::vector<std::uint32_t>{1042, 1042, 542}));
  hosts.cable.first().set_datagram_offload(true);
  EXPECT_EQ(lengths('c', 1), (std::vector<std::uint32_t>{2542}));
}

TEST_F(capture, deaf_it_sees_nothing_and_loses_nothing) {
  Joined hosts;
  Capture at_left(hosts.cable.first());
  hosts.raise();
  const Datagrams left(hosts.left, "10.9.0.1:7");
  const Datagrams right(hosts.right, "10.9.0.2:7");
  left.send("10.9.0.2:7", "before it");
  at_left.set_deaf(true);
  left.send("10.9.0.2:7", "while it is deaf");
  at_left.set_deaf(false);
  left.send("10.9.0.2:7", "after it");
  std::vector<std::string> seen;
  for (const auto& found : seen_with(at_left, " it", 2)) seen.push_back(found.bytes.substr(42));
  EXPECT_EQ(seen, (std::vector<std::string>{"before it", "after it"}));
  EXPECT_EQ(at_left.dropped(), 0U);
}

// A copy of this process, as the first process of each program is one, must not keep the capture alive.
TEST_F(capture, its_ring_stays_with_this_process) {
  Joined hosts;
  Capture at_left(hosts.cable.first());
  std::ifstream maps("/proc/self/smaps");
  bool ring = false;
  std::string flags;
  for (std::string line; std::getline(maps, line);) {
    if (line.find(" socket:[") != std::string::npos) ring = true;
    if (!ring || !line.starts_with("VmFlags:")) continue;
    flags = line + " ";
    break;
  }
  EXPECT_NE(flags.find(" dc "), std::string::npos) << flags;  // VM_DONTCOPY (proc(5))
}

}  // namespace
}  // namespace crypelab::kernel::capture_test
