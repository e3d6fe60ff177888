#include "harness/impair/link_message.h"

#include <gtest/gtest.h>

namespace crypelab::impair::link_message_test {
namespace {

using namespace std::chrono_literals;

SetImpairment everything() {
  SetImpairment set;
  set.link = 300;
  set.direction = Direction::b_to_a;
  set.at = 123456789012345ns;
  auto& i = set.impairment;
  i.seed = 0xffffffffffffffff;
  i.delay = 20ms;
  i.jitter = {3ms, Distribution::normal, true};
  i.reordering = {Ratio{1000}, 7ms};
  i.loss = BurstLoss{Ratio{1}, Ratio{2}, Ratio{3}, Ratio{4}};
  i.lost_packets = {{3, 3}, {20, 0xffffffffffffffff}};
  i.duplication = Ratio{5};
  i.trace = *parse_delivery_trace("1\n1\n200\n70000\n");
  i.queue = {ByteCount{1u << 20}, 100};
  i.mtu = ByteCount{1400};
  return set;
}

TEST(LinkMessage, every_field_of_an_impairment_arrives) {
  const LinkRequest request = everything();
  const auto decoded = decode_link_request(encode(request));
  ASSERT_TRUE(decoded) << decoded.complaint();
  EXPECT_EQ(*decoded, request);

  SetImpairment plain;
  plain.impairment.loss = IndependentLoss{Ratio{10'000}};
  plain.impairment.rate = BitRate{10'000'000};
  EXPECT_EQ(*decode_link_request(encode(LinkRequest{plain})), LinkRequest{plain});
  const LinkRequest read = ReadCounters{7, Direction::b_to_a};
  EXPECT_EQ(*decode_link_request(encode(read)), read);
}

TEST(LinkMessage, every_counter_arrives) {
  LinkReply reply;
  reply.counters.emplace();
  std::uint64_t value = 1;
  for (const auto& field : kCounterFields) (*reply.counters).*field.member = value *= 5;
  EXPECT_EQ(*decode_link_reply(encode(reply)), reply);
  EXPECT_EQ(*decode_link_reply(encode(LinkReply{"no", std::nullopt})), (LinkReply{"no", std::nullopt}));
}

TEST(LinkMessage, cut_and_lengthened_messages_are_refused) {
  auto bytes = encode(LinkRequest{everything()});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_link_request(std::span(bytes).first(size))) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(decode_link_request(bytes));
  bytes = encode(LinkReply{"no", LinkCounters{}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_link_reply(std::span(bytes).first(size))) << size;
  }
}

TEST(LinkMessage, numbers_beyond_64_bits_are_refused) {
  std::vector<std::uint8_t> bytes(1, 2);  // read counters
  bytes.insert(bytes.end(), 10, 0xff);
  bytes.insert(bytes.end(), {1, 0});
  EXPECT_FALSE(decode_link_request(bytes));
}

TEST(Impairment, what_cannot_be_is_refused_in_words) {
  const auto complaint = [](auto&& change) {
    Impairment impairment;
    change(impairment);
    const auto found = complaint_about(impairment);
    return found ? found->text : std::string();
  };
  EXPECT_EQ(complaint([](Impairment&) {}), "");
  EXPECT_EQ(complaint([](Impairment& i) { i = everything().impairment; }), "");
  EXPECT_NE(complaint([](Impairment& i) { i.delay = 61s; }), "");
  EXPECT_NE(complaint([](Impairment& i) { i.delay = -1us; }), "");
  EXPECT_NE(complaint([](Impairment& i) { i.jitter.spread = 61s; }), "");
  EXPECT_NE(complaint([](Impairment& i) { i.reordering.share = Ratio{1}; }), "");
  EXPECT_NE(complaint([](Impairment& i) { i.loss = IndependentLoss{Ratio{1'000'001}}; }), "");
  EXPECT_NE(complaint([](Impairment& i) { i.loss = BurstLoss{{}, {}, {}, Ratio{1'000'001}}; }), "");
  EXPECT_NE(complaint([](Impairment& i) { i.lost_packets = {{0, 1}}; }), "");
  EXPECT_NE(complaint([](Impairment& i) { i.lost_packets = {{3, 2}}; }), "");
  EXPECT_NE(complaint([](Impairment& i) { i.lost_packets.assign(10'001, {1, 1}); }), "");
  EXPECT_NE(complaint([](Impairment& i) { i.rate = BitRate{0}; }), "");
  EXPECT_NE(complaint([](Impairment& i) { i.queue.packets = 5; }), "");
  EXPECT_NE(complaint([](Impairment& i) { i.mtu = ByteCount{67}; }), "");
  EXPECT_NE(complaint([](Impairment& i) {
              i.rate = BitRate{1};
              i.trace = *parse_delivery_trace("1\n");
            }),
            "");
  EXPECT_NE(complaint([](Impairment& i) {
              i.rate = BitRate{1};
              i.queue.bytes = ByteCount{0};
            }),
            "");
}

TEST(Impairment, only_delay_lets_aggregate_frames_pass_whole) {
  Impairment impairment;
  impairment.delay = 20ms;
  EXPECT_FALSE(acts_on_single_packets(impairment));
  const auto single = [&](auto&& change) {
    Impairment changed = impairment;
    change(changed);
    return acts_on_single_packets(changed);
  };
  EXPECT_TRUE(single([](Impairment& i) { i.loss = IndependentLoss{Ratio{1}}; }));
  EXPECT_TRUE(single([](Impairment& i) { i.lost_packets = {{1, 1}}; }));
  EXPECT_TRUE(single([](Impairment& i) { i.duplication = Ratio{1}; }));
  EXPECT_TRUE(single([](Impairment& i) { i.reordering = {Ratio{1}, 1ms}; }));
  EXPECT_TRUE(single([](Impairment& i) { i.jitter.spread = 1ms; }));
  EXPECT_TRUE(single([](Impairment& i) { i.rate = BitRate{1}; }));
  EXPECT_TRUE(single([](Impairment& i) { i.trace = *parse_delivery_trace("1\n"); }));
  EXPECT_TRUE(single([](Impairment& i) { i.mtu = ByteCount{1280}; }));
}

}  // namespace
}  // namespace crypelab::impair::link_message_test
