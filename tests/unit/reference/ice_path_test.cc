// The path: its consent, its keepalives, its connections, and other ones in its place.
#include "ice_bench.h"

namespace crypelab::client::ice::ice_path_test {
namespace {

TEST(IceAgent, credentials_are_long_and_change_together) {
  for (const Rule rule : {Rule::i27, Rule::i16, Rule::i06}) {
    Bench b({.misbehaviour = {rule}});
    const auto before = b.agent.credentials();
    EXPECT_TRUE(before.valid());
    EXPECT_EQ(before.password == "passwordpasswordpassword", rule == Rule::i06);
    b.agent.restart(b.now);
    EXPECT_NE(b.agent.credentials().ufrag, before.ufrag);
    EXPECT_EQ(b.agent.credentials().password == before.password, rule != Rule::i27);
  }
  Bench b;
  EXPECT_FALSE(b.agent.set_remote({"abc", b.peer.password}, b.now));
  EXPECT_FALSE(b.agent.set_remote({"abcd", "short"}, b.now));
}

TEST(IceAgent, lost_consent_spends_the_credentials) {
  for (const bool bad : {false, true}) {
    Bench b({.controlling = true, .misbehaviour = bad ? Misbehaviour{Rule::i26} : Misbehaviour{}});
    b.connect_as_controlling();
    b.run(31s);
    EXPECT_EQ(b.agent.state(), State::failed);
    EXPECT_FALSE(b.agent.send(wire::bytes_of("x"), b.now));
    const auto before = b.agent.credentials();
    b.agent.restart(b.now);
    EXPECT_EQ(b.agent.credentials() == before, bad);
    EXPECT_EQ(b.agent.state(), State::idle);
  }
}

TEST(IceAgent, a_connection_without_keepalives_is_silent) {
  for (const bool bad : {false, true}) {
    Bench b({.controlling = true, .misbehaviour = bad ? Misbehaviour{Rule::i17} : Misbehaviour{}});
    b.connect_as_controlling();
    const auto before = b.sent.size();
    b.run(16s);
    EXPECT_EQ(b.sent.size() > before + 1, !bad);
  }
  // Valid, not selected: kept alive by indications (RFC 8445 §11).
  Bench waiting;
  waiting.begin();
  waiting.agent.add_remote(Bench::remote(there), waiting.now);
  waiting.run(1ms);
  waiting.answer({base, there});
  const auto before = waiting.sent.size();
  waiting.run(46s);
  ASSERT_EQ(waiting.sent.size(), before + 3);
  EXPECT_EQ(waiting.sent.back().stun().message_class(), wire::StunClass::indication);
}

TEST(IceAgent, tcp_checks_wait_for_the_connection_and_are_framed) {
  for (const bool bad : {false, true}) {
    Bench b({.controlling = true, .misbehaviour = bad ? Misbehaviour{Rule::i25} : Misbehaviour{}});
    b.agent.add_local(
        {.base = 4, .transport = Transport::tcp, .tcp_type = TcpType::active, .address = here, .related = here}, b.now);
    b.agent.set_remote(b.peer, b.now);
    auto passive = Bench::remote(there);
    passive.transport = Transport::tcp;
    passive.tcp_type = TcpType::passive;
    b.agent.add_remote(passive, b.now);
    b.run(1ms);
    const Route route{4, there};
    ASSERT_EQ(b.opened, std::vector<Route>{route});
    EXPECT_TRUE(b.sent.empty());
    b.agent.connected(route, b.now);
    const auto answer = [&] {
      wire::LengthStream in;
      in.feed(b.sent.back().bytes);
      const auto request = wire::StunMessage::parse(*in.next());
      CheckBuffer buffer;
      const auto bytes = write_check_success(buffer, request->transaction(), here, b.peer);
      const auto prefix = wire::length_prefix(bytes.size());
      for (const auto part : {wire::Bytes(prefix), bytes}) {
        for (const auto byte : part) b.agent.receive_stream(route, {&byte, 1}, b.now);
      }
      b.drain();
    };
    ASSERT_EQ(b.sent.size(), 1u);
    answer();
    b.run(100ms);
    answer();
    ASSERT_EQ(b.agent.state(), State::connected);
    const auto before = b.sent.size();
    b.run(20s);
    EXPECT_EQ(b.sent.size() == before, bad);
    EXPECT_EQ(b.agent.state(), bad ? State::connected : State::disconnected);
  }
}

TEST(IceAgent, connections_are_bounded) {
  Bench b;
  b.agent.add_local(
      {.base = 5, .transport = Transport::tcp, .tcp_type = TcpType::passive, .address = here, .related = here}, b.now);
  std::size_t taken = 0;
  for (std::uint16_t i = 1; i < 1000; ++i) taken += b.agent.connected({5, {there.address, i}}, b.now) ? 1 : 0;
  EXPECT_EQ(taken, Agent::most_streams);
}

TEST(IceAgent, a_peer_that_moves_is_reported) {
  Bench b({.controlling = true});
  b.connect_as_controlling();
  b.checked(*parse_endpoint("203.0.113.5:7777"), controlled);
  EXPECT_EQ(b.count(Event::Kind::peer_moved), 1u);
  b.checked(there, controlled);
  EXPECT_EQ(b.count(Event::Kind::peer_moved), 1u);
}

TEST(IceAgent, after_a_restart_the_end_of_candidates_comes_when_gathering_has_ended_again) {
  Bench b({.controlling = true});
  b.agent.end_local(b.now);
  b.connect_as_controlling();
  ASSERT_EQ(b.count(Event::Kind::end_of_candidates), 1u);
  b.agent.restart(b.now);
  EXPECT_EQ(b.count(Event::Kind::end_of_candidates), 1u);
  // Nor is anything hopeless before a relay that is still being made.
  b.agent.set_remote({"again", "0123456789012345678901"}, b.now);
  b.agent.end_remote(b.now);
  b.run(29s);
  EXPECT_NE(b.agent.state(), State::failed);
  b.agent.end_local(b.now);
  EXPECT_EQ(b.count(Event::Kind::end_of_candidates), 2u);
}

TEST(IceAgent, a_restart_tells_each_candidate_once_with_the_new_name) {
  Bench b;
  b.agent.add_local({.base = base, .address = here, .related = here}, b.now);
  b.agent.restart(b.now);
  ASSERT_EQ(b.count(Event::Kind::candidate), 1u);
  const auto& told = b.events.front().candidate.extensions;
  EXPECT_EQ(told, (decltype(told){{"ufrag", b.agent.credentials().ufrag}}));
}

TEST(IceAgent, a_doubted_path_is_disconnected_until_consent_is_answered) {
  Bench b({.controlling = true});
  b.connect_as_controlling();
  b.agent.doubt();
  EXPECT_EQ(b.agent.state(), State::disconnected);
  EXPECT_TRUE(b.agent.send(wire::bytes_of("still"), b.now));
  b.run(6s);
  b.answer({base, there});
  EXPECT_EQ(b.agent.state(), State::connected);
}

}  // namespace
}  // namespace crypelab::client::ice::ice_path_test
