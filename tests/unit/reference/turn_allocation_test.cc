#include "clients/reference/turn/allocation.h"
#include "seeded_random.h"
#include "turn_server_model.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

namespace {
std::size_t allocated = 0;
}
// Counts what the process allocates: the data path must not.
void* operator new(std::size_t size) {
  ++allocated;
  if (void* p = std::malloc(size)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace crypelab::client::turn::turn_allocation_test {
namespace {

using Kind = Event::Kind;
using Reason = Refusal::Reason;

const Endpoint client = *parse_endpoint("192.0.2.1:1000");
const Endpoint peer = *parse_endpoint("203.0.113.7:7000");

class Wire : public stun::Output {
 public:
  void send(wire::Bytes m) override { sent.emplace_back(m.begin(), m.end()); }
  std::vector<std::vector<std::uint8_t>> sent;
};

// Client and server on an ideal path; time passes only as far as it is asked to.
struct Call {
  TurnServerModel server;
  SeededRandom random{3};
  Wire out;
  Time start = Time(1h);
  Time now = start;
  Allocation allocation;
  std::size_t delivered = 0;
  bool cut = false;
  std::vector<Event> events;
  std::vector<Datagram> to_peers;

  explicit Call(TurnServerModel::Settings s = {}, Allocation::Settings c = {}, std::string password = "wonderland")
      : server(std::move(s)), allocation(std::move(c), *stun::LongTerm::create("alice", password), random, out, now) {}

  void deliver() {
    for (; delivered < out.sent.size(); ++delivered) {
      if (cut) continue;
      const auto bytes = out.sent[delivered];
      for (const auto& d : server.receive({client, server.settings.listen, bytes}, now)) {
        if (d.to == client) {
          allocation.receive(d.bytes, now);
        } else {
          to_peers.push_back(d);
        }
      }
    }
    while (auto e = allocation.poll()) events.push_back(std::move(*e));
  }
  void run(Duration time) {
    const Time until = now + time;
    deliver();
    while (allocation.next() && *allocation.next() <= until) {
      now = std::max(now, *allocation.next());
      allocation.wake(now);
      deliver();
    }
    now = until;
  }
  std::size_t count(const std::string& line) const {
    return static_cast<std::size_t>(std::count(server.log.begin(), server.log.end(), line));
  }
  const Event* find(Kind kind) const {
    const auto e = std::find_if(events.begin(), events.end(), [&](const Event& x) { return x.kind == kind; });
    return e == events.end() ? nullptr : &*e;
  }
  bool sends(std::string_view text) {
    std::array<std::uint8_t, 2000> buffer{};
    const auto bytes = allocation.encapsulate(buffer, peer, wire::bytes_of(text), now);
    if (bytes.empty()) return false;
    out.send(bytes);
    deliver();
    return true;
  }
};

TEST(TurnAllocation, an_allocation_is_made_used_and_deleted) {
  Call c;
  c.run(1s);
  ASSERT_TRUE(c.find(Kind::allocated));
  EXPECT_EQ(c.allocation.relayed(Family::v4), *parse_endpoint("198.51.100.1:50000"));
  EXPECT_EQ(c.allocation.mapped(), client);
  EXPECT_FALSE(c.sends("too early"));
  c.allocation.permit(peer.address, c.now);
  c.run(1s);
  ASSERT_TRUE(c.find(Kind::permitted));
  EXPECT_TRUE(c.sends("by Send"));
  c.allocation.bind(peer, c.now);
  c.run(1s);
  ASSERT_TRUE(c.find(Kind::channel_bound));
  EXPECT_TRUE(c.sends("by channel"));
  ASSERT_EQ(c.to_peers.size(), 2u);
  EXPECT_EQ(c.count("Send"), 1u);
  EXPECT_EQ(c.count("ChannelData"), 1u);
  EXPECT_EQ(wire::text_of(c.to_peers[1].bytes), "by channel");
  c.allocation.close(c.now);
  c.run(1s);
  EXPECT_TRUE(c.find(Kind::closed));
  EXPECT_TRUE(c.allocation.done());
  EXPECT_EQ(c.count("Refresh 0"), 1u);
  EXPECT_TRUE(c.server.allocations.empty());
}

TEST(TurnAllocation, data_comes_in_by_indication_and_by_channel) {
  Call c;
  c.run(1s);
  c.allocation.permit(peer.address, c.now);
  c.run(1s);
  for (const bool channel : {false, true}) {
    if (channel) c.allocation.bind(peer, c.now);
    c.run(1s);
    const auto relayed = c.server.receive({peer, *c.allocation.relayed(Family::v4), {'h', 'i'}}, c.now);
    ASSERT_EQ(relayed.size(), 1u);
    const auto data = c.allocation.receive(relayed[0].bytes, c.now);
    ASSERT_TRUE(data);
    EXPECT_EQ(data->peer, peer);
    EXPECT_EQ(wire::text_of(data->payload), "hi");
  }
}

TEST(TurnAllocation, data_of_strangers_is_dropped) {
  for (const bool bad : {false, true}) {
    Call c({}, {.misbehaviour = bad ? Misbehaviour{Rule::u21} : Misbehaviour{}});
    c.run(1s);
    std::array<std::uint8_t, 100> buffer{};
    wire::StunWriter w(buffer, wire::StunClass::indication, wire::StunMethod::data, {});
    w.add_address(wire::StunAttribute::xor_peer_address, peer).add(wire::StunAttribute::data, wire::bytes_of("x"));
    EXPECT_EQ(c.allocation.receive(w.bytes(), c.now).has_value(), bad);
    const std::array<std::uint8_t, 8> unbound{0x40, 0x00, 0, 4, 1, 2, 3, 4};
    EXPECT_FALSE(c.allocation.receive(unbound, c.now));
  }
}

TEST(TurnAllocation, the_data_path_allocates_nothing) {
  Call c;
  c.run(1s);
  c.allocation.permit(peer.address, c.now);
  c.run(1s);
  std::array<std::uint8_t, 2000> buffer{};
  const std::array<std::uint8_t, 1000> payload{};
  for (const bool channel : {false, true}) {
    if (channel) c.allocation.bind(peer, c.now);
    c.run(1s);
    const auto in =
        c.server.receive({peer, *c.allocation.relayed(Family::v4), {payload.begin(), payload.end()}}, c.now);
    const auto before = allocated;
    for (int i = 0; i < 100; ++i) {
      ASSERT_FALSE(c.allocation.encapsulate(buffer, peer, payload, c.now).empty());
      ASSERT_EQ(c.allocation.receive(in[0].bytes, c.now)->payload.size(), 1000u);
    }
    EXPECT_EQ(allocated, before);
  }
}

TEST(TurnAllocation, channel_data_is_padded_on_a_stream_and_nowhere_else) {
  for (const bool reliable : {false, true}) {
    for (const bool bad : {false, true}) {
      TurnServerModel::Settings s;
      s.reliable = reliable;
      Call c(s, {.timing = {.reliable = reliable}, .misbehaviour = bad ? Misbehaviour{Rule::u24} : Misbehaviour{}});
      c.run(1s);
      c.allocation.bind(peer, c.now);
      c.run(1s);
      ASSERT_TRUE(c.sends("12345"));
      EXPECT_EQ(c.out.sent.back().size(), reliable && !bad ? 12u : 9u);
      EXPECT_EQ(c.count("UNPADDED"), reliable && bad ? 1u : 0u);
    }
  }
}

TEST(TurnAllocation, both_families_are_asked_for_in_one_allocation) {
  TurnServerModel::Settings s;
  s.relay_v6 = *parse_address("2001:db8::5");
  Call both(s, {.families = AddressFamilies::both});
  both.run(1s);
  EXPECT_TRUE(both.allocation.relayed(Family::v4));
  EXPECT_TRUE(both.allocation.relayed(Family::v6));
  Call only(s, {.families = AddressFamilies::v6});
  only.run(1s);
  EXPECT_FALSE(only.allocation.relayed(Family::v4));
  EXPECT_TRUE(only.allocation.relayed(Family::v6));
  only.allocation.permit(peer.address, only.now);
  only.run(1s);
  ASSERT_TRUE(only.find(Kind::permission_refused));
  EXPECT_EQ(only.find(Kind::permission_refused)->refusal.reason, Reason::family);
  Call four({}, {.families = AddressFamilies::both});
  four.run(1s);
  EXPECT_TRUE(four.find(Kind::allocated));
  EXPECT_FALSE(four.allocation.relayed(Family::v6));
  Call wrong(s, {.misbehaviour = {Rule::u02}});
  wrong.run(1s);
  EXPECT_EQ(wrong.find(Kind::refused)->refusal.code, 400u);
  Call naked(s, {.misbehaviour = {Rule::u01}});
  naked.run(1s);
  EXPECT_EQ(naked.find(Kind::refused)->refusal.code, 400u);
}

TEST(TurnAllocation, allocation_permission_and_channel_outlive_their_times) {
  Call c;
  c.run(1s);
  c.allocation.bind(peer, c.now);
  c.run(1h);
  EXPECT_TRUE(c.allocation.active());
  EXPECT_TRUE(c.sends("still there"));
  EXPECT_EQ(c.to_peers.size(), 1u);
  EXPECT_EQ(c.count("Refresh 200"), 6u);  // every nine minutes
  for (const auto& line : c.server.log) EXPECT_EQ(line.find("400"), std::string::npos);
  Call forgets({}, {.misbehaviour = {Rule::u18}});
  forgets.run(1s);
  forgets.allocation.permit(peer.address, forgets.now);
  forgets.run(301s);
  EXPECT_FALSE(forgets.sends("late"));
  Call lazy({}, {.misbehaviour = {Rule::u13}});
  lazy.run(11min);
  EXPECT_EQ(lazy.count("Refresh 200"), 0u);
}

TEST(TurnAllocation, the_lifetime_of_the_answer_counts) {
  TurnServerModel::Settings s;
  s.lifetime = 60s;
  for (const bool bad : {false, true}) {
    Call c(s, {.lifetime = 600s, .misbehaviour = bad ? Misbehaviour{Rule::u05} : Misbehaviour{}});
    c.run(59s);
    EXPECT_EQ(c.count("Refresh 200"), bad ? 0u : 1u);
    c.run(10min);
    EXPECT_EQ(c.allocation.active(), !bad);
  }
}

TEST(TurnAllocation, a_forgotten_allocation_is_reported) {
  for (const bool bad : {false, true}) {
    Call c({}, {.misbehaviour = bad ? Misbehaviour{Rule::u16} : Misbehaviour{}});
    c.run(1s);
    c.server.allocations.clear();
    c.allocation.permit(peer.address, c.now);
    c.run(1s);
    ASSERT_EQ(c.find(Kind::lost) != nullptr, !bad);
    if (!bad) {
      EXPECT_EQ(c.find(Kind::lost)->refusal.reason, Reason::mismatch);
    }
  }
}

TEST(TurnAllocation, a_deletion_of_what_is_gone_is_a_success) {
  for (const bool bad : {false, true}) {
    Call c({}, {.misbehaviour = bad ? Misbehaviour{Rule::u15} : Misbehaviour{}});
    c.run(1s);
    c.server.allocations.clear();
    c.allocation.close(c.now);
    c.run(1s);
    EXPECT_TRUE(c.find(Kind::closed));
    EXPECT_EQ(c.count("Refresh 437"), bad ? 20u : 1u);
  }
  Call leaks({}, {.misbehaviour = {Rule::u14}});
  leaks.run(1s);
  leaks.allocation.close(leaks.now);
  leaks.run(1s);
  EXPECT_TRUE(leaks.find(Kind::closed));
  EXPECT_EQ(leaks.server.allocations.size(), 1u);
}

TEST(TurnAllocation, closing_before_the_answer_leaves_nothing_behind) {
  Call c;
  c.allocation.close(c.now);
  c.run(1s);
  EXPECT_TRUE(c.find(Kind::closed));
  EXPECT_FALSE(c.find(Kind::allocated));
  EXPECT_EQ(c.count("Allocate 200"), 1u);
  EXPECT_TRUE(c.server.allocations.empty());
}

TEST(TurnAllocation, a_refused_channel_leaves_send_and_a_refused_permission_is_told_once) {
  Call c;
  c.run(1s);
  c.server.refuse = [](const wire::StunMessage& m, bool) {
    return m.method() == wire::StunMethod::channel_bind ? 486u : 0u;
  };
  c.allocation.permit(peer.address, c.now);
  c.allocation.bind(peer, c.now);
  c.run(10min);
  EXPECT_TRUE(c.find(Kind::channel_refused));
  EXPECT_EQ(c.count("ChannelBind 486"), 1u);
  EXPECT_TRUE(c.sends("x"));
  EXPECT_EQ(c.count("Send"), 1u);

  for (const bool bad : {false, true}) {
    Call f({}, {.misbehaviour = bad ? Misbehaviour{Rule::u08} : Misbehaviour{}});
    f.run(1s);
    unsigned refusals = 0;
    f.server.refuse = [&](const wire::StunMessage& m, bool) {
      return m.method() == wire::StunMethod::create_permission && ++refusals < 50 ? 403u : 0u;
    };
    f.allocation.permit(peer.address, f.now);
    f.run(1min);
    EXPECT_EQ(f.count("CreatePermission 403"), bad ? 49u : 1u);
    EXPECT_EQ(f.find(Kind::permission_refused) != nullptr, !bad);
  }
}

TEST(TurnAllocation, a_channel_out_of_step_gives_the_allocation_back) {
  for (const bool bad : {false, true}) {
    Call c({}, {.misbehaviour = bad ? Misbehaviour{Rule::u26} : Misbehaviour{}});
    c.run(1s);
    c.server.allocations[client].channels[0x4000] = {*parse_endpoint("203.0.113.8:1"), c.now + 1h};
    c.allocation.bind(peer, c.now);
    c.run(1s);
    EXPECT_EQ(c.find(Kind::lost) != nullptr, !bad);
    EXPECT_EQ(c.server.allocations.empty(), !bad);
    if (!bad) {
      EXPECT_EQ(c.find(Kind::lost)->refusal.reason, Reason::out_of_step);
    }
  }
}

TEST(TurnAllocation, without_channels_a_peer_is_reached_by_send_indications) {
  for (const bool channels : {true, false}) {
    Call c({}, {.channels = channels});
    c.run(1s);
    c.allocation.bind(peer, c.now);
    c.run(1s);
    EXPECT_TRUE(c.allocation.permitted(peer.address, c.now));
    EXPECT_TRUE(c.sends("x"));
    EXPECT_EQ(c.count("ChannelData"), channels ? 1u : 0u);
    EXPECT_EQ(c.count("Send"), channels ? 0u : 1u);
  }
}

TEST(TurnAllocation, misbehaviour_on_channels_and_names_is_seen_by_the_server) {
  Call numbers({}, {.misbehaviour = {Rule::u22}});
  numbers.run(1s);
  numbers.allocation.bind(peer, numbers.now);
  numbers.run(1s);
  EXPECT_EQ(numbers.count("ChannelBind 400"), 1u);
  Call rebinds({}, {.misbehaviour = {Rule::u23}});
  rebinds.run(1s);
  rebinds.allocation.bind(peer, rebinds.now);
  rebinds.allocation.bind(*parse_endpoint("203.0.113.7:7001"), rebinds.now);
  rebinds.run(1s);
  EXPECT_EQ(rebinds.count("ChannelBind 400"), 1u);
  Call renamed({}, {.misbehaviour = {Rule::u17}});
  renamed.run(10min);
  EXPECT_EQ(renamed.count("Refresh 441") > 0, true);
  Call nameless({}, {.misbehaviour = {Rule::u19}});
  nameless.run(1s);
  nameless.allocation.permit(peer.address, nameless.now);
  nameless.run(1s);
  EXPECT_EQ(nameless.count("CreatePermission 400"), 1u);
  Call early({}, {.misbehaviour = {Rule::u20}});
  early.run(1s);
  EXPECT_TRUE(early.sends("x"));
  EXPECT_EQ(early.server.unpermitted, 1u);
}

TEST(TurnAllocation, a_lost_connection_is_told_at_once_and_a_silent_server_at_the_end) {
  Call c({}, {.timing = {.reliable = true}});
  c.run(1s);
  c.allocation.transport_lost(c.now);
  c.run(0s);
  EXPECT_EQ(c.find(Kind::lost)->refusal.reason, Reason::transport_lost);
  Call silent;
  silent.run(1s);
  silent.cut = true;
  silent.run(11min);
  ASSERT_TRUE(silent.find(Kind::lost));
  EXPECT_EQ(silent.find(Kind::lost)->refusal.reason, Reason::expired);
  EXPECT_TRUE(silent.allocation.done());
  EXPECT_FALSE(silent.allocation.next());
}

TEST(TurnAllocation, peers_are_bounded) {
  Call c;
  c.run(1s);
  for (std::uint32_t i = 0; i < 2000; ++i) c.allocation.permit(Address::v4(0x0A000000 + i), c.now);
  c.run(1s);
  EXPECT_EQ(c.server.allocations[client].permissions.size(), Peers::most);
}

// --- what to do after a refusal (RFC 8656 §7.4) ----------------------------------------------------------------------

Refusal refused_with(unsigned code) {
  Call c;
  c.server.refuse = [=](const auto&, bool) { return code; };
  c.run(1min);
  const auto* e = c.find(Kind::refused);
  return e != nullptr ? e->refusal : Refusal{Reason::malformed, 0, "", {}};
}

TEST(TurnServerRecord, every_error_of_section_7_4_has_its_consequence) {
  const Time now(1h);
  const auto server = *parse_endpoint("198.51.100.1:3478");
  struct Row {
    unsigned code;
    NextStep::Kind kind;
    Rule broken;
  };
  for (const auto& row :
       {Row{400, NextStep::Kind::never, Rule::u14}, Row{403, NextStep::Kind::never, Rule::u08},
        Row{441, NextStep::Kind::never, Rule::u07}, Row{442, NextStep::Kind::never, Rule::u14},
        Row{420, NextStep::Kind::never, Rule::u14}, Row{440, NextStep::Kind::never, Rule::u10},
        Row{486, NextStep::Kind::wait, Rule::u14}, Row{508, NextStep::Kind::wait, Rule::u14},
        Row{437, NextStep::Kind::new_port, Rule::u14}, Row{408, NextStep::Kind::other_transport, Rule::u14}}) {
    const auto refusal = refused_with(row.code);
    EXPECT_EQ(refusal.code, row.code);
    ServerRecord record(AddressFamilies::v4, {});
    EXPECT_EQ(record.after(refusal, server, now).kind, row.kind) << row.code;
    EXPECT_EQ(record.may_ask(now).has_value(), row.kind != NextStep::Kind::never) << row.code;
    if (row.kind == NextStep::Kind::never && row.broken != Rule::u14) {
      ServerRecord bad(AddressFamilies::v4, {row.broken});
      EXPECT_TRUE((bad.after(refusal, server, now), bad.may_ask(now))) << row.code;
    }
  }
}

TEST(TurnServerRecord, after_one_server_was_out_of_step_none_is_asked_for_channels) {
  AccountRecord account;
  ServerRecord record(AddressFamilies::v4, {}, &account);
  const ServerRecord other(AddressFamilies::v4, {}, &account);
  auto refusal = refused_with(400);
  refusal.reason = Reason::out_of_step;
  EXPECT_TRUE(record.channels());
  EXPECT_EQ(record.after(refusal, {}, Time(1h)).kind, NextStep::Kind::wait);
  EXPECT_FALSE(record.channels());
  EXPECT_FALSE(other.channels());
}

TEST(TurnServerRecord, a_full_server_is_left_alone_for_a_minute) {
  const Time now(1h);
  for (const auto& [code, broken] : {std::pair{486u, Rule::u11}, std::pair{508u, Rule::u12}}) {
    const auto refusal = refused_with(code);
    ServerRecord record(AddressFamilies::v4, {});
    EXPECT_EQ(record.after(refusal, {}, now).not_before, now + 1min);
    EXPECT_EQ(record.may_ask(now + 1s), now + 1min);
    ServerRecord bad(AddressFamilies::v4, {broken});
    EXPECT_EQ(bad.after(refusal, {}, now).not_before, now + 1s);
  }
}

TEST(TurnServerRecord, a_server_that_was_full_over_one_transport_is_full_over_all) {
  const Time now(1h);
  const auto server = *parse_endpoint("192.0.2.1:3478");
  const auto other = *parse_address("192.0.2.2");
  AccountRecord account;
  ServerRecord udp(AddressFamilies::v4, {}, &account);
  const ServerRecord tls(AddressFamilies::v4, {}, &account);
  udp.after(refused_with(486), server, now);
  EXPECT_EQ(tls.free_from(server.address), now + 1min);
  EXPECT_EQ(tls.free_from(other), Time{});
  // Behind a proxy nobody knows which address a name has: nothing is learnt of others.
  udp.after(refused_with(486), {}, now);
  EXPECT_EQ(tls.free_from(Address()), Time{});
}

TEST(TurnServerRecord, a_taken_tuple_is_tried_from_three_ports_and_then_left_for_two_minutes) {
  const Time now(1h);
  const Refusal taken{Reason::mismatch, 437, "", {}};
  ServerRecord record(AddressFamilies::v4, {});
  EXPECT_EQ(record.after(taken, {}, now).kind, NextStep::Kind::new_port);
  EXPECT_EQ(record.after(taken, {}, now).kind, NextStep::Kind::new_port);
  const auto third = record.after(taken, {}, now);
  EXPECT_EQ(third.kind, NextStep::Kind::wait);
  EXPECT_EQ(third.not_before, now + 2min);
  ServerRecord bad(AddressFamilies::v4, {Rule::u09});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(bad.after(taken, {}, now).kind, NextStep::Kind::new_port);
}

TEST(TurnServerRecord, two_servers_cannot_send_a_client_back_and_forth) {
  const Time now(1h);
  const auto a = *parse_endpoint("192.0.2.1:3478");
  const auto b = *parse_endpoint("192.0.2.2:3478");
  ServerRecord record(AddressFamilies::v4, {});
  EXPECT_EQ(record.after({Reason::redirect, 300, "", stun::Redirect{b, ""}}, a, now).kind, NextStep::Kind::redirect);
  EXPECT_EQ(record.after({Reason::redirect, 300, "", stun::Redirect{a, ""}}, b, now + 1s).kind, NextStep::Kind::wait);
}

TEST(TurnServerRecord, a_refused_family_is_not_asked_for_again) {
  ServerRecord record(AddressFamilies::both, {});
  const auto step = record.after({Reason::family, 440, "", {}}, {}, Time(1h));
  EXPECT_EQ(step.kind, NextStep::Kind::new_port);
  EXPECT_EQ(step.families, AddressFamilies::v6);
  EXPECT_EQ(record.after({Reason::family, 440, "", {}}, {}, Time(1h)).kind, NextStep::Kind::never);
}

TEST(TurnAllocation, an_alternate_server_is_handed_to_the_owner) {
  Call c;
  const auto other = *parse_endpoint("198.51.100.2:3478");
  c.server.refuse = [](const auto&, bool) { return 300u; };
  c.server.decorate = [&](wire::StunWriter& w) {
    w.add_address(wire::StunAttribute::alternate_server, other)
        .add_text(wire::StunAttribute::alternate_domain, "b.test");
  };
  c.run(1s);
  ASSERT_TRUE(c.find(Kind::refused));
  EXPECT_EQ(c.find(Kind::refused)->refusal.redirect, (stun::Redirect{other, "b.test"}));
}

}  // namespace
}  // namespace crypelab::client::turn::turn_allocation_test
