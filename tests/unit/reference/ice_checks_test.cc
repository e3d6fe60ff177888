// What an agent asks, answers and decides.
#include "ice_bench.h"

namespace crypelab::client::ice::ice_checks_test {
namespace {

TEST(IceAgent, a_pair_is_checked_and_nominated_once) {
  Bench b({.controlling = true});
  b.begin();
  EXPECT_TRUE(b.agent.add_remote(Bench::remote(there), b.now));
  b.run(1ms);
  ASSERT_EQ(b.sent.size(), 1u);
  const auto request = b.sent[0].stun();
  EXPECT_EQ(request.text(wire::StunAttribute::username), "peer:" + b.agent.credentials().ufrag);
  EXPECT_TRUE(request.number64(wire::StunAttribute::ice_controlling));
  EXPECT_FALSE(request.has(wire::StunAttribute::use_candidate));
  EXPECT_EQ(*request.number32(wire::StunAttribute::priority) >> 24, 110u);  // as a peer-reflexive one
  EXPECT_EQ(wire::check_fingerprint(request), wire::StunCheck::valid);
  EXPECT_EQ(wire::check_integrity(request, wire::bytes_of(b.peer.password)), wire::StunCheck::valid);
  b.answer({base, there});
  EXPECT_FALSE(b.agent.send(wire::bytes_of("early"), b.now));
  b.run(100ms);
  EXPECT_TRUE(b.sent.back().stun().has(wire::StunAttribute::use_candidate));
  b.answer({base, there});
  EXPECT_EQ(b.count(Event::Kind::selected), 1u);
  EXPECT_TRUE(b.agent.send(wire::bytes_of("data"), b.now));
  EXPECT_EQ(wire::text_of(b.sent.back().bytes), "data");
  b.agent.receive({base, there}, wire::bytes_of("reply"), b.now);
  b.agent.receive({base, *parse_endpoint("203.0.113.9:1")}, wire::bytes_of("stranger"), b.now);
  EXPECT_EQ(b.delivered, std::vector<std::string>{"reply"});
}

TEST(IceAgent, a_controlled_agent_follows_the_nomination) {
  Bench b;
  b.begin();
  b.checked(there, controlling);
  EXPECT_EQ(b.sent.front().stun().message_class(), wire::StunClass::success);
  EXPECT_EQ(b.sent.front().stun().address(wire::StunAttribute::xor_mapped_address), there);
  b.run(1ms);  // the triggered check
  b.answer({base, there});
  EXPECT_EQ(b.agent.state(), State::checking);
  auto nominating = controlling;
  nominating.use_candidate = true;
  b.checked(there, nominating);
  EXPECT_EQ(b.agent.state(), State::connected);
  ASSERT_EQ(b.count(Event::Kind::selected), 1u);
  EXPECT_EQ(b.events.at(b.events.size() - 2).path.remote.type, Type::prflx);
}

TEST(IceAgent, checks_that_come_before_the_answer_are_remembered) {
  Bench b;
  b.agent.add_local({.base = base, .address = here, .related = here}, b.now);
  auto nominating = controlling;
  nominating.use_candidate = true;
  for (int i = 0; i < 1000; ++i) b.checked(there, nominating);
  EXPECT_EQ(b.sent.size(), 1000u);
  b.agent.set_remote(b.peer, b.now);
  b.run(1ms);
  b.answer({base, there});
  EXPECT_EQ(b.agent.state(), State::connected);
}

TEST(IceAgent, a_role_conflict_is_resolved_by_the_tiebreaker) {
  Bench lower({.controlling = true});
  lower.begin();
  auto strong = controlling;
  strong.tiebreaker = ~std::uint64_t{0};
  lower.checked(there, strong);
  EXPECT_FALSE(lower.agent.controlling());
  EXPECT_EQ(lower.sent.front().stun().message_class(), wire::StunClass::success);
  Bench higher({.controlling = true});
  higher.begin();
  auto weak = controlling;
  weak.tiebreaker = 0;
  higher.checked(there, weak);
  EXPECT_TRUE(higher.agent.controlling());
  EXPECT_EQ(higher.sent.front().stun().error()->code, 487u);
}

TEST(IceAgent, after_487_the_role_and_the_tiebreaker_change) {
  for (const bool bad : {false, true}) {
    Bench b({.controlling = true, .misbehaviour = bad ? Misbehaviour{Rule::i11} : Misbehaviour{}});
    b.begin();
    b.agent.add_remote(Bench::remote(there), b.now);
    b.run(1ms);
    const auto before = b.sent.back().stun().number64(wire::StunAttribute::ice_controlling);
    b.answer({base, there}, 487);
    EXPECT_EQ(b.agent.controlling(), bad);
    b.run(60ms);
    if (!bad) {
      const auto after = b.sent.back().stun().number64(wire::StunAttribute::ice_controlled);
      ASSERT_TRUE(after);
      EXPECT_NE(after, before);
    }
  }
}

TEST(IceAgent, an_answer_from_elsewhere_does_not_count) {
  for (const bool bad : {false, true}) {
    Bench b({.misbehaviour = bad ? Misbehaviour{Rule::i12} : Misbehaviour{}});
    b.begin();
    b.agent.add_remote(Bench::remote(there), b.now);
    b.run(1ms);
    b.answer({base, *parse_endpoint("203.0.113.5:6001")});
    EXPECT_EQ(b.agent.checklist().pairs()[0].valid(), bad);
  }
}

TEST(IceAgent, an_icmp_error_fails_a_pair_early) {
  for (const bool bad : {false, true}) {
    Bench b({.misbehaviour = bad ? Misbehaviour{Rule::i13} : Misbehaviour{}});
    b.begin();
    b.agent.add_remote(Bench::remote(there), b.now);
    b.run(1ms);
    b.agent.unreachable({base, there}, b.now);
    EXPECT_EQ(b.agent.checklist().pairs()[0].state == PairState::failed, !bad);
    b.agent.end_local(b.now);
    b.agent.end_remote(b.now);
    b.run(39s);
    EXPECT_NE(b.agent.state(), State::failed);
    b.run(2s);
    EXPECT_EQ(b.agent.state(), State::failed);
  }
}

TEST(IceAgent, it_does_not_fail_before_the_end_of_candidates) {
  for (const bool bad : {false, true}) {
    Bench b({.controlling = true, .misbehaviour = bad ? Misbehaviour{Rule::i22} : Misbehaviour{}});
    b.begin();
    b.agent.add_remote(Bench::remote(*parse_endpoint("10.0.0.1:1")), b.now);
    b.agent.end_local(b.now);
    b.run(2min);
    EXPECT_EQ(b.agent.state(), State::checking);
    EXPECT_EQ(b.agent.add_remote(Bench::remote(there, 2), b.now), !bad);
  }
}

TEST(IceAgent, triggered_checks_are_sent) {
  for (const bool bad : {false, true}) {
    Bench b({.misbehaviour = bad ? Misbehaviour{Rule::i14} : Misbehaviour{}});
    b.begin();
    b.checked(there, controlling);
    b.run(1s);
    EXPECT_EQ(b.agent.tally().checks_sent, bad ? 0u : 1u);
  }
}

}  // namespace
}  // namespace crypelab::client::ice::ice_checks_test
