#include "harness/impair/segmentation.h"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>
namespace crypelab::impair::segmentation_test {
namespace {

constexpr std::size_t kIp = Frame::kVnetHeader + 14;

std::uint32_t sum_of(const std::uint8_t* p, std::size_t size) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += i % 2 == 0 ? std::uint32_t{p[i]} << 8 : p[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

unsigned get16(const Frame& frame, std::size_t at) { return frame.bytes()[at] * 256u + frame.bytes()[at + 1]; }
std::uint32_t get32(const Frame& frame, std::size_t at) {
  return std::uint32_t{get16(frame, at)} << 16 | get16(frame, at + 2);
}

struct Shape {
  bool v6 = false;
  bool udp = false;
  std::size_t payload = 3000;
  std::uint16_t segment = 1400;
};

// A frame as the kernel hands it over: pseudo-header sum in the checksum field, lengths of the whole.
Frame aggregate(const Shape& shape) {
  const std::size_t ip = shape.v6 ? 40 : 20;
  const std::size_t transport = shape.udp ? 8 : 32;
  const std::size_t total = kIp + ip + transport + shape.payload;
  Frame frame = Frame::with_capacity(total);
  frame.resize(total);
  std::fill_n(frame.data(), total, std::uint8_t{0});
  VnetHeader header{};
  header.flags = VnetHeader::kNeedsChecksum;
  header.aggregate = shape.udp ? VnetHeader::kUdp : shape.v6 ? VnetHeader::kTcpV6 : VnetHeader::kTcpV4;
  header.segment_size = shape.segment;
  header.checksum_start = static_cast<std::uint16_t>(14 + ip);
  header.checksum_offset = shape.udp ? 6 : 16;
  std::memcpy(frame.data(), &header, sizeof header);
  std::uint8_t* p = frame.data() + kIp;
  p[-2] = shape.v6 ? 0x86 : 0x08;
  p[-1] = shape.v6 ? 0xdd : 0x00;
  const std::size_t length = transport + shape.payload;
  const std::uint8_t protocol = shape.udp ? 17 : 6;
  const auto put = [](std::uint8_t* at, std::size_t v) {
    at[0] = static_cast<std::uint8_t>(v >> 8);
    at[1] = static_cast<std::uint8_t>(v);
  };
  std::uint32_t pseudo = static_cast<std::uint32_t>(protocol + length);
  if (shape.v6) {
    p[0] = 0x60;
    put(p + 4, length);
    p[6] = protocol;
    for (int i = 8; i < 40; ++i) p[i] = static_cast<std::uint8_t>(i * 7);
    pseudo += sum_of(p + 8, 32);
  } else {
    p[0] = 0x45;
    put(p + 2, 20 + length);
    put(p + 4, 0xfffe);  // the identification wraps
    p[9] = protocol;
    for (int i = 12; i < 20; ++i) p[i] = static_cast<std::uint8_t>(i * 7);
    pseudo += sum_of(p + 12, 8);
  }
  while (pseudo > 0xffff) pseudo = (pseudo & 0xffff) + (pseudo >> 16);
  std::uint8_t* t = p + ip;
  if (shape.udp) {
    put(t + 4, length);
    put(t + 6, pseudo);
  } else {
    put(t + 4, 0xffff);  // sequence number 0xfffff000: wraps too
    put(t + 6, 0xf000);
    t[12] = 8 << 4;
    t[13] = 0x99;  // CWR, ACK, PSH, FIN
    put(t + 16, pseudo);
  }
  for (std::size_t i = 0; i < shape.payload; ++i) t[transport + i] = static_cast<std::uint8_t>(i * 31 >> 3);
  return frame;
}

void is_cut_right(const Shape& shape) {
  const Frame whole = aggregate(shape);
  std::vector<Frame> pieces;
  ASSERT_TRUE(segment(whole, pieces));
  const std::size_t ip = shape.v6 ? 40 : 20;
  const std::size_t headers = kIp + ip + (shape.udp ? 8 : 32);
  ASSERT_EQ(pieces.size(), (shape.payload + shape.segment - 1) / shape.segment);
  std::vector<std::uint8_t> payload;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Frame& piece = pieces[i];
    const std::size_t transport = kIp + ip;
    const std::size_t length = piece.bytes().size() - transport;
    EXPECT_FALSE(piece.is_aggregate());
    EXPECT_EQ(piece.bytes()[0], VnetHeader::kNeedsChecksum);
    // The sum that the receiver's check leaves: pseudo-header of this packet, and nothing else, in the field.
    std::uint32_t pseudo = static_cast<std::uint32_t>((shape.udp ? 17 : 6) + length);
    pseudo += shape.v6 ? sum_of(piece.bytes().data() + kIp + 8, 32) : sum_of(piece.bytes().data() + kIp + 12, 8);
    while (pseudo > 0xffff) pseudo = (pseudo & 0xffff) + (pseudo >> 16);
    EXPECT_EQ(get16(piece, transport + (shape.udp ? 6 : 16)), pseudo);
    if (shape.v6) {
      EXPECT_EQ(get16(piece, kIp + 4), length);
    } else {
      EXPECT_EQ(get16(piece, kIp + 2), length + 20);
      EXPECT_EQ(get16(piece, kIp + 4), (0xfffe + i) & 0xffff);
      EXPECT_EQ(sum_of(piece.bytes().data() + kIp, 20), 0xffffu);
    }
    if (shape.udp) {
      EXPECT_EQ(get16(piece, transport + 4), length);
    } else {
      EXPECT_EQ(get32(piece, transport + 4), static_cast<std::uint32_t>(0xfffff000 + i * shape.segment));
      const unsigned flags = 0x10u | (i == 0 ? 0x80u : 0) | (i + 1 == pieces.size() ? 0x09u : 0);
      EXPECT_EQ(piece.bytes()[transport + 13], flags);
    }
    payload.insert(payload.end(), piece.bytes().begin() + static_cast<std::ptrdiff_t>(headers), piece.bytes().end());
  }
  const auto expected = whole.bytes().subspan(headers);
  EXPECT_TRUE(std::equal(payload.begin(), payload.end(), expected.begin(), expected.end()));
}

TEST(Segmentation, tcp_over_ipv4_is_cut_as_a_card_would) { is_cut_right({false, false, 3000, 1400}); }
TEST(Segmentation, tcp_over_ipv6_is_cut_as_a_card_would) { is_cut_right({true, false, 60'000, 1428}); }
TEST(Segmentation, udp_segments_are_cut_over_both_families) {
  is_cut_right({false, true, 2401, 1200});
  is_cut_right({true, true, 2400, 1200});
}
TEST(Segmentation, a_single_segment_stays_one) { is_cut_right({false, false, 100, 1400}); }

TEST(Segmentation, frames_that_lie_about_themselves_are_refused) {
  std::vector<Frame> pieces;
  const auto refused = [&](auto&& spoil) {
    Frame frame = aggregate({});
    spoil(frame);
    return !segment(frame, pieces);
  };
  EXPECT_TRUE(refused([](Frame& f) { f.data()[1] = 0; }));                // not aggregate
  EXPECT_TRUE(refused([](Frame& f) { f.data()[1] = 77; }));               // unknown type
  EXPECT_TRUE(refused([](Frame& f) { f.data()[0] = 0; }));                // checksum done: not from this kernel
  EXPECT_TRUE(refused([](Frame& f) { f.data()[4] = f.data()[5] = 0; }));  // segments of nothing
  EXPECT_TRUE(refused([](Frame& f) { f.data()[7] = 0xff; }));             // transport beyond the frame
  EXPECT_TRUE(refused([](Frame& f) { f.data()[6] = 3; }));                // transport inside the IP header
  EXPECT_TRUE(refused([](Frame& f) { f.data()[8] = 6; }));                // checksum where TCP has none
  EXPECT_TRUE(refused([](Frame& f) { f.data()[kIp - 2] = 0x11; }));       // not IP
  EXPECT_TRUE(refused([](Frame& f) { f.data()[kIp] = 0x4f; }));           // IP header into TCP's
  EXPECT_TRUE(refused([](Frame& f) { f.data()[kIp + 32] = 0x10; }));      // TCP header below 20 bytes
  for (std::size_t size = 0; size <= kIp + 52; ++size) {
    EXPECT_TRUE(refused([size](Frame& f) { f.resize(size); })) << size;
  }
  EXPECT_TRUE(pieces.empty());
}

}  // namespace
}  // namespace crypelab::impair::segmentation_test
