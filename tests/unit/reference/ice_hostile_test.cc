// An agent whose peer means no good.
#include "ice_bench.h"

namespace crypelab::client::ice::ice_hostile_test {
namespace {

TEST(IceAgent, floods_of_candidates_and_checks_are_bounded) {
  for (const bool bad : {false, true}) {
    Bench b({.most_remote = 2'000, .misbehaviour = bad ? Misbehaviour{Rule::i07} : Misbehaviour{}});
    b.begin();
    for (unsigned i = 0; i < 3'000; ++i)
      b.agent.add_remote(Bench::remote({Address::v4(0x0A000000 + i), 5000}, i), b.now);
    EXPECT_EQ(b.agent.checklist().pairs().size() > 100, bad);
    EXPECT_EQ(b.agent.tally().remote_candidates, 2'000u);
  }
  Bench b;
  b.begin();
  for (std::uint16_t i = 1; i < 5000; ++i) b.checked({there.address, i}, controlling);
  for (unsigned i = 1; i < 5000; ++i) b.checked({Address::v4(0x0A000000 + i), 5000}, controlling);
  EXPECT_LE(b.agent.checklist().pairs().size(), 100u);
  b.run(10s);
  EXPECT_LE(b.agent.tally().checks_sent, 201u);  // paced
}

TEST(IceAgent, hostile_bytes_are_survived) {
  Bench b({.controlling = true});
  b.connect_as_controlling();
  const auto sent = b.sent.size();
  std::vector<std::uint8_t> huge(65'532, 0);
  wire::StunWriter writer(huge, wire::StunClass::request, wire::StunMethod::binding, {});
  for (int i = 0; i < 16'000; ++i) writer.add(wire::StunAttribute{0x7F01});
  ASSERT_TRUE(writer.fits());
  b.agent.receive({base, there}, writer.bytes(), b.now);
  EXPECT_EQ(b.sent.size(), sent);
  // Signed and huge: not looked at. Signed and small: answered with 420 and few words.
  const auto signed_with = [&](unsigned unknown_attributes, std::vector<std::uint8_t>& out) {
    out.assign(65'532, 0);
    wire::StunWriter insider(out, wire::StunClass::request, wire::StunMethod::binding, {});
    insider.add_text(wire::StunAttribute::username, b.agent.credentials().ufrag + ":peer");
    for (unsigned i = 0; i < unknown_attributes; ++i)
      insider.add(wire::StunAttribute{static_cast<std::uint16_t>(0x4000 + i)});
    insider.add_integrity(wire::bytes_of(b.agent.credentials().password)).add_fingerprint();
    out.resize(insider.bytes().size());
  };
  std::vector<std::uint8_t> signed_check;
  signed_with(12'000, signed_check);
  b.agent.receive({base, there}, signed_check, b.now);
  EXPECT_EQ(b.sent.size(), sent);
  signed_with(800, signed_check);
  b.agent.receive({base, there}, signed_check, b.now);
  ASSERT_EQ(b.sent.size(), sent + 1);
  EXPECT_EQ(b.sent.back().stun().error()->code, 420u);
  EXPECT_LT(b.sent.back().bytes.size(), 200u);
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::uint8_t> junk(b.random.below(200), 0);
    b.random.fill(junk);
    if (i % 2 == 0 && junk.size() >= 20) {
      junk[0] = 0;
      junk[1] = 1;
      wire::store(std::span(junk), 2, static_cast<std::uint16_t>(junk.size() - 20));
      wire::store(std::span(junk), 4, wire::stun_magic_cookie);
    }
    b.agent.receive({base, there}, junk, b.now);
    b.agent.receive_stream({base, there}, junk, b.now);
  }
  EXPECT_EQ(b.agent.state(), State::connected);
}

TEST(IceAgent, what_is_not_signed_by_the_peer_changes_nothing) {
  Bench b;
  b.begin();
  b.checked(there, controlling, {Rule::i10});  // no FINGERPRINT: dropped
  EXPECT_TRUE(b.sent.empty());
  b.checked(there, controlling, {Rule::i08});  // no PRIORITY, no role: 400
  EXPECT_EQ(b.sent.back().stun().error()->code, 400u);
  CheckBuffer buffer;
  Credentials wrong = b.agent.credentials();
  wrong.password[0] ^= 1;
  b.agent.receive({base, there}, write_check(buffer, {}, controlling, b.peer, wrong, {}), b.now);
  EXPECT_EQ(b.sent.back().stun().error()->code, 401u);
  EXPECT_TRUE(b.agent.checklist().pairs().empty());
}

}  // namespace
}  // namespace crypelab::client::ice::ice_hostile_test
