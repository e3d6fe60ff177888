#include "harness/wire/turn_frame.h"

#include "harness/wire/stun.h"
#include "hex.h"

#include <random>

#include <gtest/gtest.h>

namespace crypelab::wire::turn_frame_test {
namespace {

using Buffer = std::vector<std::uint8_t>;

Buffer copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }
void append(Buffer& to, Bytes bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

Buffer stun(std::size_t text_size) {
  Buffer buffer(text_size + 64);
  StunWriter writer(buffer, StunClass::indication, StunMethod::data, TransactionId{});
  writer.add_text(StunAttribute::data, std::string(text_size, 'd'));
  return copy(writer.bytes());
}

Buffer channel_data(std::uint16_t channel, std::size_t size) {
  Buffer buffer(size + 8);
  return copy(write_channel_data(buffer, channel, Buffer(size, 0x5a), Padding::to_four));
}

TEST(ChannelData, reads_back_and_ignores_what_pads_a_datagram) {
  Buffer buffer(16);
  const auto payload = from_hex("0102030405");
  EXPECT_EQ(copy(write_channel_data(buffer, 0x4001, payload, Padding::none)), from_hex("4001 0005 0102030405"));
  const auto padded = copy(write_channel_data(buffer, 0x4001, payload, Padding::to_four));
  EXPECT_EQ(padded, from_hex("4001 0005 0102030405 000000"));
  const auto message = parse_channel_data(padded);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->channel, 0x4001);
  EXPECT_EQ(copy(message->payload), payload);
}

TEST(ChannelData, is_refused_when_cut_off_or_outside_the_channel_range) {
  EXPECT_FALSE(parse_channel_data(from_hex("4001 0005 01020304")));
  EXPECT_FALSE(parse_channel_data(from_hex("400100")));
  EXPECT_FALSE(parse_channel_data(from_hex("5000 0000")));
  EXPECT_FALSE(parse_channel_data(from_hex("3fff 0000")));
  EXPECT_TRUE(parse_channel_data(from_hex("4fff 0000")));
  Buffer small(7);
  EXPECT_TRUE(write_channel_data(small, 0x4001, from_hex("01020304"), Padding::none).empty());
}

TEST(TurnStream, every_segmentation_gives_the_same_messages) {
  std::vector<Buffer> messages;
  Buffer stream;
  for (const std::size_t size : {0, 1, 2, 3, 4, 5, 999, 1000}) {
    messages.push_back(stun(size));
    append(stream, messages.back());
    const auto framed = channel_data(static_cast<std::uint16_t>(0x4000 + size), size);
    messages.push_back(copy(Bytes(framed).first(4 + size)));
    append(stream, framed);
  }
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    TurnStream framer;
    std::vector<Buffer> seen;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t most = round == 0 ? 1 : 1 + random() % 400;
      const std::size_t size = std::min(most, stream.size() - at);
      framer.feed(Bytes(stream).subspan(at, size));
      at += size;
      while (const auto frame = framer.next()) {
        EXPECT_EQ(frame->kind == TurnFrame::Kind::channel_data, looks_like_channel_data(frame->bytes));
        seen.push_back(copy(frame->bytes));
      }
    }
    ASSERT_FALSE(framer.fault());
    ASSERT_EQ(seen, messages);
  }
}

TEST(TurnStream, the_first_impossible_byte_breaks_the_stream_for_good) {
  const auto good = stun(3);
  for (const char* bad : {"50", "16", "ff", "0001 0001", "0001 0000 22", "0001 0000 2112a443"}) {
    const auto bytes = from_hex(bad);
    TurnStream framer;
    framer.feed(good);
    ASSERT_TRUE(framer.next());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      framer.feed(Bytes(bytes).subspan(i, 1));
      EXPECT_FALSE(framer.next());
      const bool last = i + 1 == bytes.size();
      EXPECT_EQ(framer.fault().has_value(), last) << bad << " byte " << i;
    }
    framer.feed(good);
    EXPECT_EQ(framer.next().has_value(), false) << bad;
  }
}

TEST(LengthStream, cuts_packets_of_every_size_byte_by_byte) {
  Buffer stream;
  const std::vector<std::size_t> sizes{0, 1, 300, 0, 65'535};
  for (const std::size_t size : sizes) {
    append(stream, length_prefix(size));
    append(stream, Buffer(size, static_cast<std::uint8_t>(size)));
  }
  LengthStream framer;
  std::vector<std::size_t> seen;
  for (const std::uint8_t byte : stream) {
    framer.feed(Bytes(&byte, 1));
    while (const auto packet = framer.next()) {
      seen.push_back(packet->size());
      EXPECT_TRUE(packet->empty() || packet->back() == static_cast<std::uint8_t>(packet->size()));
    }
  }
  EXPECT_EQ(seen, sizes);
}

}  // namespace
}  // namespace crypelab::wire::turn_frame_test
