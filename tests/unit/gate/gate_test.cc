#include "harness/gate/gate.h"

#include "harness/gate/log.h"

#include <gtest/gtest.h>

namespace crypelab::gate::gate_test {
namespace {

using namespace std::chrono_literals;

const Endpoint kClient = *parse_endpoint("10.20.0.2:50000");
const Endpoint kServer = *parse_endpoint("203.0.113.22:443");
constexpr std::uint32_t kIsn = 0xffff'fff0;  // so that sequence numbers wrap around soon

Configuration http_only(Policy::Otherwise otherwise = Policy::Otherwise::reset) {
  Policy policy;
  policy.name = "office/egress_1";
  policy.http = true;
  policy.otherwise = otherwise;
  Configuration configuration;
  configuration.policies[1] = policy;
  return configuration;
}

// One connection to a gate, packet by packet; bytes of the client are counted from 0.
class Line {
 public:
  explicit Line(Gate& gate) : gate_(gate) {}

  Outcome syn() { return send(Way::out, kIsn, {}, true); }
  Outcome say(std::uint32_t at, std::string_view text) { return send(Way::out, kIsn + 1 + at, text, false); }
  Outcome answer(std::string_view text) { return send(Way::in, 7000, text, false); }
  std::uint32_t last() const { return id_; }

  Time now = 0s;

 private:
  Outcome send(Way way, std::uint32_t sequence, std::string_view text, bool syn) {
    const bool out = way == Way::out;
    wire::TcpHeader header;
    header.source_port = out ? kClient.port : kServer.port;
    header.destination_port = out ? kServer.port : kClient.port;
    header.sequence = sequence;
    header.acknowledgment = 4711;
    header.syn = syn;
    header.ack = !syn;
    const auto packet = wire::build_tcp(out ? kClient : kServer, out ? kServer : kClient, header, wire::bytes_of(text));
    Outcome outcome;
    gate_.judge({++id_, 1, way, packet}, now, outcome);
    return outcome;
  }

  Gate& gate_;
  std::uint32_t id_ = 0;
};

std::vector<Fate> fates(const Outcome& outcome) {
  std::vector<Fate> all;
  for (const auto& ruling : outcome.rulings) all.push_back(ruling.fate);
  return all;
}

TEST(Gate, forwards_what_may_become_right_and_passes_what_is) {
  Gate gate(http_only());
  Line line(gate);
  EXPECT_EQ(fates(line.syn()), std::vector{Fate::forward});
  EXPECT_EQ(fates(line.say(0, "")), std::vector{Fate::forward});
  EXPECT_EQ(fates(line.say(0, "GET / HTTP/1.1\r\n")), std::vector{Fate::forward});
  const auto end = line.say(16, "\r\n");
  EXPECT_EQ(fates(end), std::vector{Fate::pass});
  ASSERT_EQ(end.decisions.size(), 1U);
  EXPECT_EQ(end.decisions[0].verdict, Decision::Verdict::pass);
  EXPECT_EQ(end.decisions[0].segments, 2U);
  EXPECT_TRUE(end.resets.empty());
  EXPECT_EQ(fates(line.say(18, "on its way before the rules knew")), std::vector{Fate::pass});
}

TEST(Gate, a_segment_before_a_hole_waits_for_what_fills_it) {
  Gate gate(http_only());
  Line line(gate);
  line.syn();
  EXPECT_TRUE(line.say(16, "\r\n").rulings.empty());
  const auto waiting = line.last();
  const auto filled = line.say(0, "GET / HTTP/1.1\r\n");
  const std::vector<Ruling> expected{{line.last(), Fate::forward}, {waiting, Fate::pass}};
  EXPECT_EQ(filled.rulings, expected);
}

TEST(Gate, overlap_is_judged_once_and_may_not_differ) {
  Gate gate(http_only());
  Line line(gate);
  line.syn();
  line.say(0, "GET / HT");
  EXPECT_EQ(fates(line.say(4, "/ HTTP/1.1\r\n\r\n")), std::vector{Fate::pass});
  Gate strict(http_only());
  Line liar(strict);
  liar.syn();
  liar.say(0, "GET / HT");
  const auto other = liar.say(0, "SSH / HT");
  EXPECT_EQ(fates(other), std::vector{Fate::refuse});
  EXPECT_EQ(other.decisions.at(0).reason, "a retransmission with other bytes");
}

TEST(Gate, a_refusal_resets_both_sides_where_they_stand) {
  Gate gate(http_only());
  Line line(gate);
  line.syn();
  line.say(0, "GET ");
  const auto refused = line.say(4, "\x01junk");
  EXPECT_EQ(fates(refused), std::vector{Fate::refuse});
  ASSERT_EQ(refused.resets.size(), 2U);
  const auto to_client = *wire::decode_ip(refused.resets[0]);
  const auto to_server = *wire::decode_ip(refused.resets[1]);
  EXPECT_EQ(to_client.source_endpoint(), kServer);
  EXPECT_EQ(to_client.tcp()->sequence, 4711U);
  EXPECT_EQ(to_client.tcp()->acknowledgment, kIsn + 1 + 9);
  EXPECT_EQ(to_server.source_endpoint(), kClient);
  EXPECT_EQ(to_server.tcp()->sequence, kIsn + 1 + 4);
  EXPECT_TRUE(to_server.tcp()->rst && to_client.tcp()->rst);
  EXPECT_TRUE(line.say(9, "more").decisions.empty()) << "told twice";
}

TEST(Gate, drop_and_silence_send_no_reset) {
  for (const auto otherwise : {Policy::Otherwise::drop, Policy::Otherwise::pass}) {
    Gate gate(http_only(otherwise));
    Line line(gate);
    line.syn();
    const auto refused = line.say(0, "SSH-2.0-x\r\n");
    EXPECT_EQ(fates(refused), std::vector{Fate::refuse});
    EXPECT_TRUE(refused.resets.empty());
  }
}

TEST(Gate, a_server_that_speaks_first_and_a_beginning_not_seen_are_refused) {
  Gate gate(http_only());
  Line line(gate);
  line.syn();
  EXPECT_EQ(line.answer("220 hello\r\n").decisions.at(0).reason, "the server spoke first");
  Gate later(http_only());
  Line stranger(later);
  EXPECT_EQ(fates(stranger.say(0, "")), std::vector{Fate::forward});
  EXPECT_EQ(fates(stranger.say(0, "GET / HTTP/1.1\r\n\r\n")), std::vector{Fate::refuse});
}

TEST(Gate, connections_are_bounded_and_forgotten) {
  Gate gate(http_only(), {.flows = 10});
  Outcome outcome;
  for (std::uint16_t port = 1; port <= 100; ++port) {
    wire::TcpHeader header;
    header.source_port = port;
    header.destination_port = 443;
    header.syn = true;
    const auto packet = wire::build_tcp({kClient.address, port}, kServer, header, {});
    gate.judge({port, 1, Way::out, packet}, std::chrono::seconds(1), outcome);
    EXPECT_LE(gate.flows(), 10U);
  }
  gate.expire(62s, outcome);
  EXPECT_EQ(gate.flows(), 0U);
}

TEST(Gate, segments_that_wait_are_let_go_when_the_connection_is_forgotten) {
  Gate gate(http_only());
  Line line(gate);
  line.syn();
  line.say(0, "GET ");
  EXPECT_TRUE(line.say(50, "\r\n\r\n").rulings.empty());
  Outcome outcome;
  gate.expire(61s, outcome);
  EXPECT_EQ(fates(outcome), std::vector{Fate::discard});
  ASSERT_EQ(outcome.decisions.size(), 1U);
  EXPECT_EQ(outcome.decisions[0].verdict, Decision::Verdict::closed);
}

TEST(Gate, what_a_client_chose_is_printable_in_the_log) {
  Decision decision;
  decision.client = kClient;
  decision.server = kServer;
  decision.verdict = Decision::Verdict::drop;
  decision.reason = "not TLS";
  decision.beginning = {'S', 'S', 'H', '-', 0, 0xff};
  EXPECT_EQ(log_line(decision),
            R"({"event":"decision","rule":"","client":"10.20.0.2:50000","server":"203.0.113.22:443",)"
            R"("verdict":"drop","reason":"not TLS","bytes":0,"segments":0,"us":0,)"
            R"("beginning":"SSH-\\x00\\xff","looks-like":"SSH"})");
}

}  // namespace
}  // namespace crypelab::gate::gate_test
