#include "clients/reference/ice/agent.h"
#include "seeded_random.h"

#include <gtest/gtest.h>

namespace crypelab::client::ice {
namespace {

using Type = wire::IceCandidate::Type;
using Transport = wire::IceCandidate::Transport;
using TcpType = wire::IceCandidate::TcpType;
using PairState = CandidatePair::State;

const Endpoint here = *parse_endpoint("192.0.2.1:5000");
const Endpoint there = *parse_endpoint("203.0.113.5:6000");
constexpr Base base = 1;

// One agent; the test plays its peer, its sockets and the clock.
struct Bench : Output {
  struct Packet {
    Route route;
    std::vector<std::uint8_t> bytes;
    wire::StunMessage stun() const { return *wire::StunMessage::parse(bytes); }
  };
  SeededRandom random{5};
  Time start = Time(1h);
  Time now = start;
  std::vector<Packet> sent;
  std::vector<std::string> delivered;
  std::vector<Route> opened;
  std::vector<Event> events;
  Agent agent;
  Credentials peer{"peer", "0123456789012345678901"};

  explicit Bench(Agent::Settings settings = {}) : agent(std::move(settings), random, *this) {}

  void send(const Route& route, wire::Bytes bytes) override { sent.push_back({route, {bytes.begin(), bytes.end()}}); }
  void deliver(wire::Bytes packet) override { delivered.emplace_back(wire::text_of(packet)); }
  void connect(const Route& route) override { opened.push_back(route); }
  void permit(Base, const Address&) override {}

  void begin() {
    agent.add_local({.base = base, .address = here, .related = here}, now);
    agent.set_remote(peer, now);
  }
  static wire::IceCandidate remote(const Endpoint& address, unsigned number = 1) {
    return {.foundation = std::to_string(number),
            .priority = 2130706431u - number,
            .host = to_string(address.address),
            .port = address.port};
  }
  void run(Duration time) {
    const Time until = now + time;
    while (agent.next() && *agent.next() <= until) {
      now = std::max(now, *agent.next());
      agent.wake(now);
      drain();
    }
    now = until;
    drain();
  }
  void drain() {
    while (auto event = agent.poll()) events.push_back(std::move(*event));
  }
  std::size_t count(Event::Kind kind) {
    drain();
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [&](const Event& e) { return e.kind == kind; }));
  }
  // The peer answers the agent's last request.
  void answer(const Route& from, unsigned code = 0) {
    const auto request = std::find_if(sent.rbegin(), sent.rend(), [](const Packet& p) {
      return p.stun().message_class() == wire::StunClass::request;
    });
    ASSERT_NE(request, sent.rend());
    CheckBuffer buffer;
    const auto bytes = code == 0 ? write_check_success(buffer, request->stun().transaction(), here, peer)
                                 : write_check_error(buffer, request->stun(), code, &peer);
    agent.receive(from, bytes, now);
    drain();
  }
  // The peer checks the agent.
  wire::Bytes check(CheckBuffer& buffer, CheckRequest request, Misbehaviour misbehaviour = {}) {
    return write_check(buffer, random.bytes<12>(), request, peer, agent.credentials(), misbehaviour);
  }
  void checked(const Endpoint& from, CheckRequest request, Misbehaviour misbehaviour = {}) {
    CheckBuffer buffer;
    agent.receive({base, from}, check(buffer, request, misbehaviour), now);
    drain();
  }
  void connect_as_controlling() {
    begin();
    agent.add_remote(remote(there), now);
    run(1ms);
    answer({base, there});
    run(200ms);
    answer({base, there});
    ASSERT_EQ(agent.state(), State::connected);
  }
};

constexpr CheckRequest controlled{.priority = 77, .controlling = false, .tiebreaker = 1};
constexpr CheckRequest controlling{.priority = 77, .controlling = true, .tiebreaker = 1};

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

TEST(IceAgent, names_and_foreign_candidates_are_ignored_politely) {
  Bench b;
  b.begin();
  auto mdns = Bench::remote(there);
  mdns.host = "7b1c3f0e-55aa-4c11-9d5e-0123456789ab.local";
  EXPECT_FALSE(b.agent.add_remote(mdns, b.now));
  auto component = Bench::remote(there);
  component.component = 2;
  EXPECT_FALSE(b.agent.add_remote(component, b.now));
  auto generation = Bench::remote(there);
  generation.extensions = {{"ufrag", "older"}};
  EXPECT_FALSE(b.agent.add_remote(generation, b.now));
  for (const char* address : {"127.0.0.1:5", "[::1]:5", "224.0.0.1:5", "0.0.0.0:5", "[fe80::1]:5", "192.0.2.1:0"}) {
    EXPECT_FALSE(b.agent.add_remote(Bench::remote(*parse_endpoint(address)), b.now)) << address;
  }
  EXPECT_EQ(b.agent.tally().ignored_candidates, 9u);
  EXPECT_TRUE(b.agent.checklist().pairs().empty());
}

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

TEST(IceAgent, local_candidates_have_unique_priorities_and_shared_foundations) {
  for (const bool bad : {false, true}) {
    Bench b({.misbehaviour = bad ? Misbehaviour{Rule::i05} : Misbehaviour{}});
    const auto outside = *parse_address("203.0.113.1");
    for (std::uint16_t i = 0; i < 4; ++i) {
      b.agent.add_local({.base = i, .address = {here.address, static_cast<std::uint16_t>(5000 + i)}, .related = here},
                        b.now);
      b.agent.add_local({.base = i,
                         .type = Type::srflx,
                         .address = {outside, static_cast<std::uint16_t>(7000 + i)},
                         .related = {here.address, static_cast<std::uint16_t>(5000 + i)},
                         .server = there.address},
                        b.now);
    }
    b.drain();
    std::set<std::uint32_t> priorities;
    std::set<std::string> foundations;
    for (const auto& event : b.events) {
      priorities.insert(event.candidate.priority);
      foundations.insert(event.candidate.foundation);
    }
    EXPECT_EQ(priorities.size(), bad ? 1u : 8u);
    EXPECT_EQ(foundations.size(), 2u);
  }
}

TEST(IceAgent, addresses_that_help_nobody_are_not_offered) {
  for (const char* address : {"127.0.0.1:1", "[::1]:1", "[fec0::1]:1", "[::ffff:192.0.2.1]:1"}) {
    for (const bool bad : {false, true}) {
      Bench b({.misbehaviour = bad ? Misbehaviour{Rule::i01} : Misbehaviour{}});
      const auto endpoint = *parse_endpoint(address);
      EXPECT_EQ(b.agent.add_local({.base = base, .address = endpoint, .related = endpoint}, b.now), bad) << address;
    }
  }
  Bench local({.allow_loopback = true});
  const auto loopback = *parse_endpoint("127.0.0.1:1");
  EXPECT_TRUE(local.agent.add_local({.base = base, .address = loopback, .related = loopback}, local.now));
}

TEST(IceAgent, active_tcp_candidates_are_told_with_port_9) {
  for (const bool bad : {false, true}) {
    Bench b({.misbehaviour = bad ? Misbehaviour{Rule::i28} : Misbehaviour{}});
    b.agent.add_local(
        {.base = 4, .transport = Transport::tcp, .tcp_type = TcpType::active, .address = here, .related = here}, b.now);
    b.drain();
    const auto& told = b.events.at(0).candidate;
    EXPECT_EQ(told.port, bad ? here.port : 9);
    EXPECT_EQ(told.tcp_type == TcpType::active, !bad);
    if (!bad) {
      EXPECT_TRUE(wire::parse_candidate(wire::to_text(told)));
    }
  }
}

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

TEST(IcePriority, families_take_turns_and_kinds_have_their_order) {
  const std::array addresses{*parse_address("192.0.2.1"), *parse_address("192.0.2.2"), *parse_address("2001:db8::1"),
                             *parse_address("2001:db8::2")};
  const auto p = fair_preferences(addresses);
  EXPECT_GT(p[2], p[0]);
  EXPECT_GT(p[0], p[3]);
  EXPECT_GT(p[3], p[1]);
  const auto type = [](Type t, Transport transport, RelayedOver over = RelayedOver::none) {
    return type_preference(t, transport, over);
  };
  EXPECT_GT(type(Type::host, Transport::udp), type(Type::prflx, Transport::udp));
  EXPECT_GT(type(Type::srflx, Transport::udp), type(Type::host, Transport::tcp));
  EXPECT_GT(type(Type::host, Transport::tcp), type(Type::relay, Transport::udp, RelayedOver::udp));
  EXPECT_GT(type(Type::relay, Transport::udp, RelayedOver::tcp), type(Type::relay, Transport::udp, RelayedOver::tls));
  EXPECT_EQ(candidate_priority(126, 65535), 2130706431u);
  EXPECT_EQ(pair_priority(2, 1), (std::uint64_t{1} << 32) + 4 + 1);
  EXPECT_EQ(tcp_local_preference(Type::host, TcpType::active, 1), 6u << 13 | 1);
}

TEST(Misbehaviour, every_rule_has_a_name_and_an_effect) {
  std::set<std::string_view> ids;
  for (const auto& rule : broken_rules()) {
    ids.insert(rule.id);
    EXPECT_FALSE(rule.effect.empty());
    const std::array<std::string, 1> one{std::string(rule.id)};
    const auto parsed = Misbehaviour::parse(one);
    ASSERT_TRUE(parsed);
    for (const auto& other : broken_rules()) EXPECT_EQ(parsed->breaks(other.rule), other.rule == rule.rule);
  }
  EXPECT_EQ(ids.size(), rule_count);
  const std::array<std::string, 1> unknown{"X-99"};
  EXPECT_FALSE(Misbehaviour::parse(unknown));
}

}  // namespace
}  // namespace crypelab::client::ice
