#include "made.h"

#include <gtest/gtest.h>

// In long runs only the beginning of each packet is kept, and of one flow only so many messages are noted: what is
// judged then is either as if all were there, or inconclusive.
namespace crypelab::judge::cut_test {
namespace {

using namespace made;  // NOLINT(google-build-using-namespace)
using model::Outcome;

constexpr std::size_t kLarge = 1100;

class Cut : public testing::Test {
 protected:
  Cut() : alice{evidence.address("alice"), 5000}, bob{evidence.address("bob"), 4000} {
    evidence.hellos();
    evidence.words(ms(1100));
    evidence.scenario.expectations = {
        {model::ExpectStaysConnected{std::chrono::seconds(3), std::chrono::seconds(1)}, 1},
        {model::ExpectConnected{}, 2}};
    evidence.cut_from(ms(2000));
    direct_data(evidence, "bob", bob, alice, bob, ms(1000), 200, kLarge);
  }
  Tcp to_relay(std::uint16_t port) { return {evidence, "alice.eth0", alice, world("turns.crype.test", port)}; }
  void throughput(std::int64_t bytes) {
    evidence.client(ms(6000), "alice", "throughput", {{"bytes", bytes}, {"seconds", 4.0}});
  }
  Evidence evidence;
  Endpoint alice;
  Endpoint bob;
};

TEST_F(Cut, datagrams_are_known_and_measured_by_their_beginnings) {
  direct_data(evidence, "alice", alice, bob, alice, ms(1000), 200, kLarge);
  throughput(200 * kLarge);
  const auto judgement = evidence.judged();
  EXPECT_EQ(find(judgement, "stays-connected")->outcome, Outcome::pass) << find(judgement, "stays-connected")->reason;
  EXPECT_EQ(find(judgement, "claims-throughput"), nullptr);
}

TEST_F(Cut, channel_data_is_known_and_measured_by_its_beginning) {
  relayed_data(evidence, "alice", alice, ms(1000), 200, kLarge);
  throughput(200 * kLarge);
  const auto judgement = evidence.judged();
  EXPECT_EQ(find(judgement, "stays-connected")->outcome, Outcome::pass) << find(judgement, "stays-connected")->reason;
  EXPECT_EQ(find(judgement, "claims-throughput"), nullptr);
}

TEST_F(Cut, a_stream_cannot_be_read_on_and_nothing_follows_from_what_is_not_seen_in_it) {
  auto tcp = to_relay(443);
  tcp.open(ms(990));
  tls_data(tcp, ms(1000), "turns.crype.test", 200, kLarge);
  throughput(200 * kLarge);
  const auto judgement = evidence.judged();
  EXPECT_EQ(find(judgement, "stays-connected")->outcome, Outcome::inconclusive);
  EXPECT_EQ(find(judgement, "connected")->outcome, Outcome::pass);
  EXPECT_EQ(judgement.clients[0].path->path, model::PathClass::relay_tls);
  EXPECT_EQ(find(judgement, "claims-throughput"), nullptr);
}

TEST_F(Cut, framing_that_was_cut_is_not_the_clients_mistake) {
  Tcp tcp(evidence, "alice.eth0", alice, world("turn.crype.test", 3478));
  tcp.open(ms(990)).send(ms(995), stun({.method = wire::StunMethod::allocate, .transport = true}));
  for (int i = 0; i < 200; ++i) {
    Bytes frame(2048);
    const auto whole = wire::write_channel_data(frame, 0x4000, dtls_data(kLarge), wire::Padding::to_four);
    tcp.send(ms(1000 + 20 * i), {whole.begin(), whole.end()}).receive(ms(1010 + 20 * i), {whole.begin(), whole.end()});
  }
  const auto judgement = evidence.judged();
  EXPECT_EQ(find(judgement, "U-24"), nullptr);
  EXPECT_EQ(find(judgement, "stays-connected")->outcome, Outcome::inconclusive);
}

TEST_F(Cut, a_packet_is_known_again_at_the_border_by_its_beginning) {
  evidence.scenario.expectations = {{model::ExpectNoBypass{"office"}, 1}};
  evidence.udp(ms(1999), "alice.eth0", true, alice, bob, dtls_data(kLarge));
  evidence.udp(ms(2001), "office.border", true, Endpoint{evidence.public_address(), 61000}, bob, dtls_data(kLarge));
  EXPECT_EQ(find(evidence.judged(), "no-bypass")->outcome, Outcome::fail);
}

TEST_F(Cut, more_messages_than_are_noted_leave_open_what_came_after_them) {
  evidence.cut_from(Moment::max());
  auto tcp = to_relay(443);
  tcp.open(ms(990));
  tls_data(tcp, ms(1000), "turns.crype.test", 20);
  Bytes many;
  for (int i = 0; i < 10'000; ++i) {
    const auto record = tls_record(23, 1);
    many.insert(many.end(), record.begin(), record.end());
  }
  for (int i = 0; i < 20; ++i) tcp.receive(ms(1500), many);
  for (int i = 0; i < 150; ++i) tcp.receive(ms(1500 + 20 * i), tls_record(23, 60));
  EXPECT_EQ(find(evidence.judged(), "stays-connected")->outcome, Outcome::inconclusive);
}

}  // namespace
}  // namespace crypelab::judge::cut_test
