#include "harness/judge/byte_order.h"

#include "made.h"

#include <gtest/gtest.h>

namespace crypelab::judge::byte_order_test {
namespace {

using namespace made;  // NOLINT(google-build-using-namespace)

class Ordered : public testing::Test {
 protected:
  Ordered() { order_.begin(99); }
  void feed(std::uint32_t sequence, const std::string& words) {
    order_.feed(sequence, text(words), [this](wire::Bytes bytes) { read_.append(bytes.begin(), bytes.end()); });
  }
  ByteOrder order_;
  std::string read_;
};

TEST_F(Ordered, what_comes_early_waits_for_its_turn) {
  feed(103, "def");
  feed(100, "abc");
  EXPECT_EQ(read_, "abcdef");
}

TEST_F(Ordered, of_two_early_segments_with_one_number_the_longer_counts) {
  feed(103, "d");
  feed(103, "defg");
  feed(103, "de");
  feed(100, "abc");
  EXPECT_EQ(read_, "abcdefg");
}

TEST_F(Ordered, what_is_sent_again_comes_once) {
  feed(100, "abc");
  feed(100, "abcd");
  feed(101, "bc");
  EXPECT_EQ(read_, "abcd");
}

TEST_F(Ordered, beyond_a_mebibyte_of_early_bytes_it_is_broken) {
  const std::string piece(1U << 19U, 'x');
  feed(1000, piece);
  feed(1000 + (1U << 19U), piece);
  EXPECT_FALSE(order_.broken());
  feed(10, "y");  // long ago: nothing new
  EXPECT_FALSE(order_.broken());
  feed(500, "z");
  EXPECT_TRUE(order_.broken());
}

TEST_F(Ordered, a_broken_stream_leaves_open_what_was_in_it) {
  Evidence evidence;
  evidence.hellos();
  evidence.words(ms(2000));
  const Endpoint alice{evidence.address("alice"), 5000};
  const Endpoint bob{evidence.address("bob"), 4000};
  direct_data(evidence, "bob", bob, alice, bob, ms(1000));
  Tcp tcp(evidence, "alice.eth0", alice, world("turns.crype.test", 443));
  tcp.open(ms(990));
  tls_data(tcp, ms(1000), "turns.crype.test");
  tcp.skip(10);  // one that nobody saw
  for (int i = 0; i < 30; ++i) tcp.receive(ms(2000 + i), Bytes(40'000));
  evidence.scenario.expectations = {{model::ExpectStaysConnected{std::chrono::seconds(5), std::chrono::seconds(1)}, 1}};
  EXPECT_EQ(find(evidence.judged(), "stays-connected")->outcome, model::Outcome::inconclusive);
}

}  // namespace
}  // namespace crypelab::judge::byte_order_test
