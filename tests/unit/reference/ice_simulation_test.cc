#include "simulation.h"

#include <gtest/gtest.h>

namespace crypelab::client::ice_simulation_test {
namespace {

using Type = wire::IceCandidate::Type;

constexpr std::array dependences{Dependence::endpoint_independent, Dependence::address, Dependence::address_and_port};

SiteSettings nat(Dependence mapping, Dependence filtering) { return {.mapping = mapping, .filtering = filtering}; }

// What must hold in every call, however it went.
void expect_sound(const Simulation& s, const std::string& what) {
  for (const auto* peer : {s.a.get(), s.b.get()}) {
    EXPECT_LE(peer->nominated.size(), 1u) << what;                    // I-15
    EXPECT_LE(peer->data_routes.size(), 1u) << what;                  // I-18
    EXPECT_EQ(peer->unpermitted_relays, 0u) << what;                  // I-09
    EXPECT_LE(peer->agent.checklist().pairs().size(), 100u) << what;  // I-07
    if (peer->failed_at) {
      EXPECT_GE(*peer->failed_at - s.start, 39'500ms) << what;  // I-21
    }
  }
  EXPECT_EQ(s.udp_server.unpermitted + s.tcp_server.unpermitted, 0u) << what;
}

bool hard(const SiteSettings& s) {
  return s.mapping == Dependence::address || s.mapping == Dependence::address_and_port;
}

// Whether a packet of x that is addressed to what y's server saw of y gets in.
bool reaches(const SiteSettings& x, const SiteSettings& y) {
  if (y.mapping == Dependence::none || y.filtering == Dependence::endpoint_independent) return true;
  if (hard(y)) return false;  // y speaks to x from another port than that
  return y.filtering == Dependence::address || !hard(x);
}

bool direct_works(const SiteSettings& x, const SiteSettings& y) {
  // Each answer would come from yet another port, for ever.
  if (x.mapping == Dependence::address_and_port && y.mapping == Dependence::address_and_port) return false;
  const auto answered = [](const SiteSettings& asks, const SiteSettings& answers) {
    return reaches(asks, answers) && (!hard(answers) || asks.filtering != Dependence::address_and_port);
  };
  return answered(x, y) || answered(y, x);
}

SiteSettings patient(SiteSettings site) {
  site.settle = 700ms;
  return site;
}

TEST(IceSimulation, two_open_clients_connect_directly_in_a_few_round_trips) {
  Simulation s(1, {}, {});
  ASSERT_TRUE(s.run(5s, [&] { return s.both_connected(); }));
  EXPECT_LT(s.now - s.start, 250ms);
  EXPECT_EQ(s.a->selected->local.type, Type::host);
  EXPECT_EQ(s.a->selected->remote.type, Type::host);
  s.run(2s);
  EXPECT_GE(s.a->received, 8u);
  EXPECT_GE(s.b->received, 8u);
  expect_sound(s, "open");
}

// The rows of the catalogue, with the waiting that is the default.
TEST(IceSimulation, the_nats_of_the_catalogue_take_their_path_in_half_a_second) {
  const auto eim = nat(Dependence::endpoint_independent, Dependence::address_and_port);
  const auto cone = nat(Dependence::endpoint_independent, Dependence::endpoint_independent);
  const auto apdm = nat(Dependence::address_and_port, Dependence::address_and_port);
  struct Row {
    SiteSettings a;
    SiteSettings b;
    bool relayed;
  };
  for (const auto& row : {Row{cone, cone, false}, Row{eim, eim, false}, Row{apdm, {}, false}, Row{{}, apdm, false},
                          Row{apdm, eim, true}, Row{apdm, apdm, true}}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Simulation s(seed, row.a, row.b);
      ASSERT_TRUE(s.run(5s, [&] { return s.both_connected(); }));
      EXPECT_LT(s.now - s.start, 600ms);
      EXPECT_EQ(s.a->selected->local.type == Type::relay || s.a->selected->remote.type == Type::relay, row.relayed);
    }
  }
}

TEST(IceSimulation, every_kind_of_nat_is_crossed_or_relayed) {
  std::vector<SiteSettings> sites{{}};
  for (const auto mapping : dependences) {
    for (const auto filtering : dependences) sites.push_back(nat(mapping, filtering));
  }
  std::uint64_t seed = 100;
  for (const auto& x : sites) {
    for (const auto& y : sites) {
      Simulation s(++seed, patient(x), patient(y));
      const auto what = std::to_string(int(x.mapping)) + std::to_string(int(x.filtering)) + "-" +
                        std::to_string(int(y.mapping)) + std::to_string(int(y.filtering));
      ASSERT_TRUE(s.run(20s, [&] { return s.both_connected(); })) << what;
      s.run(1s);
      EXPECT_GT(s.a->received, 0u) << what;
      EXPECT_GT(s.b->received, 0u) << what;
      const bool relayed = s.a->selected->local.type == Type::relay || s.a->selected->remote.type == Type::relay;
      EXPECT_EQ(relayed, !direct_works(x, y)) << what;
      EXPECT_LT(*s.a->connected_at - s.start, 2s) << what;
      expect_sound(s, what);
    }
  }
}

#ifdef NDEBUG
constexpr std::uint64_t seeds = 5000;
#else
constexpr std::uint64_t seeds = 400;  // ten times slower a seed
#endif

TEST(IceSimulation, thousands_of_lossy_reordering_networks_are_survived) {
  unsigned slow = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SeededRandom dice(seed);
    const auto site = [&] {
      SiteSettings s;
      if (dice.below(4) != 0) s = nat(dependences[dice.below(3)], dependences[dice.below(3)]);
      s.udp = dice.below(6) != 0;
      s.udp_to_peers = dice.below(6) != 0;
      s.v6 = dice.below(4) == 0;
      s.tcp_peers = dice.below(4) == 0;
      s.relay_only = dice.below(8) == 0;
      return s;
    };
    const auto x = site();
    const auto y = site();
    const PathSettings path{.loss = static_cast<double>(dice.below(11)) / 100,
                            .duplicates = 0.05,
                            .delay = Duration(1'000 + static_cast<long>(dice.below(80'000))),
                            .jitter = Duration(static_cast<long>(dice.below(60'000)))};
    Simulation s(seed, x, y, path);
    const auto what = "seed " + std::to_string(seed);
    // Both have a TURN account over TCP: there is always a path.
    ASSERT_TRUE(s.run(38s, [&] { return s.both_connected(); })) << what;
    if (s.now - s.start > 5s) ++slow;
    const auto before = std::pair(s.a->received, s.b->received);
    s.run(3s);
    EXPECT_GT(s.a->received, before.first) << what;
    EXPECT_GT(s.b->received, before.second) << what;
    EXPECT_FALSE(s.a->failed_at || s.b->failed_at) << what;
    EXPECT_EQ(s.a->selections, 1u) << what;
    EXPECT_EQ(s.b->selections, 1u) << what;
    expect_sound(s, what);
    if (HasFailure()) return;
  }
  EXPECT_LT(slow, seeds / 50);
}

TEST(IceSimulation, without_a_path_it_fails_after_the_patience_timer_and_not_before) {
  for (const bool bad : {false, true}) {
    SiteSettings shut{.mapping = Dependence::address_and_port,
                      .filtering = Dependence::address_and_port,
                      .udp = false,
                      .reject = true,
                      .turn = false};
    if (bad) shut.misbehaviour = {Rule::i21};
    shut.tcp_peers = true;  // refused at once
    Simulation s(7, shut, shut);
    ASSERT_TRUE(s.run(70s, [&] { return s.a->failed_at && s.b->failed_at; }));
    EXPECT_EQ(*s.a->failed_at - s.start < 39'500ms, bad);
    EXPECT_LT(*s.a->failed_at - s.start, 60s + 20s);
  }
}

TEST(IceSimulation, sending_stops_thirty_seconds_after_the_path_died) {
  for (const bool bad : {false, true}) {
    SiteSettings site;
    if (bad) site.misbehaviour = {Rule::i23};
    Simulation s(9, site, {});
    ASSERT_TRUE(s.run(5s, [&] { return s.both_connected(); }));
    s.run(60s);
    EXPECT_EQ(s.a->agent.state(), ice::State::connected);
    s.cut = true;
    const Time cut = s.now;
    s.run(60s);
    EXPECT_EQ(s.a->agent.state(), ice::State::failed);
    EXPECT_EQ(*s.a->last_data_sent - cut > 30s, bad);
    EXPECT_GE(*s.a->last_data_sent - cut, 23s);
  }
}

TEST(IceSimulation, consent_is_asked_for_every_four_to_six_seconds_and_never_repeated) {
  for (const bool bad : {false, true}) {
    SiteSettings site;
    if (bad) site.misbehaviour = {Rule::i24};
    Simulation s(10, site, {});
    ASSERT_TRUE(s.run(5s, [&] { return s.both_connected(); }));
    s.run(1s);
    s.a->requests.clear();
    s.run(5min);
    ASSERT_GT(s.a->requests.size(), 10u);
    bool in_range = true;
    for (std::size_t i = 1; i < s.a->requests.size(); ++i) {
      const auto gap = s.a->requests[i].first - s.a->requests[i - 1].first;
      in_range = in_range && gap >= 4s && gap <= 6s;
    }
    EXPECT_EQ(in_range, !bad);
  }
}

TEST(IceSimulation, a_dead_direct_path_is_left_for_the_relay_before_consent_runs_out) {
  Simulation s(11, nat(dependences[0], dependences[0]), {});
  s.a->auto_restart = true;
  ASSERT_TRUE(s.run(5s, [&] { return s.both_connected(); }));
  const auto old = s.a->agent.credentials();
  s.cut_direct = true;
  ASSERT_TRUE(s.run(29s, [&] { return s.a->selections == 2 && s.b->selections == 2; }));
  EXPECT_NE(s.a->agent.credentials().ufrag, old.ufrag);
  EXPECT_NE(s.a->agent.credentials().password, old.password);
  EXPECT_TRUE(s.a->selected->local.type == Type::relay || s.a->selected->remote.type == Type::relay);
  const auto before = s.b->received;
  s.run(2s);
  EXPECT_GT(s.b->received, before);
  expect_sound(s, "restart");
}

TEST(IceSimulation, a_restart_does_not_interrupt_data) {
  Simulation s(12, {}, {});
  ASSERT_TRUE(s.run(5s, [&] { return s.both_connected(); }));
  const auto begun = s.now;
  const auto before = s.b->received;
  s.a->restart(s.now);
  s.run(10s);
  EXPECT_EQ(s.a->selections, 2u);
  EXPECT_EQ(s.b->selections, 2u);
  EXPECT_EQ(s.a->agent.state(), ice::State::connected);
  EXPECT_GE(s.b->received - before, static_cast<unsigned>((s.now - begun) / 200ms) - 2);
}

TEST(IceSimulation, where_udp_is_blocked_tcp_to_the_relay_or_to_the_peer_connects) {
  SiteSettings shut;
  shut.udp = false;
  Simulation relayed(13, shut, nat(dependences[2], dependences[2]));
  ASSERT_TRUE(relayed.run(10s, [&] { return relayed.both_connected(); }));
  EXPECT_EQ(relayed.a->selected->over, ice::RelayedOver::tcp);

  shut.turn = false;
  shut.tcp_peers = true;
  SiteSettings open;
  open.tcp_peers = true;
  open.turn = false;
  Simulation direct(14, shut, open);
  ASSERT_TRUE(direct.run(10s, [&] { return direct.both_connected(); }));
  EXPECT_EQ(direct.a->selected->local.transport, wire::IceCandidate::Transport::tcp);
  direct.run(2min);
  EXPECT_EQ(direct.a->agent.state(), ice::State::connected);
  EXPECT_GT(direct.a->received, 500u);
  EXPECT_GT(direct.b->received, 500u);
  expect_sound(direct, "tcp");
}

TEST(IceSimulation, a_closed_connection_revokes_nothing_and_is_opened_again) {
  for (const bool bad : {false, true}) {
    SiteSettings site;
    site.udp = false;
    site.turn = false;
    site.tcp_peers = true;
    auto broken = site;
    if (bad) broken.misbehaviour = {Rule::i27};
    Simulation s(15, broken, site);
    ASSERT_TRUE(s.run(10s, [&] { return s.both_connected(); }));
    s.run(1s);
    for (auto* peer : {s.a.get(), s.b.get()}) {
      const bool active = !peer->data_routes.empty() && peer->data_routes.begin()->base == SimulatedPeer::tcp_active;
      ASSERT_EQ(peer->data_routes.size(), 1u);
      (void)active;
      peer->agent.disconnected(*peer->data_routes.begin(), s.now);
      peer->pump(s.now);
    }
    s.run(5s);
    EXPECT_EQ(s.a->agent.state(), bad ? ice::State::failed : ice::State::connected);
    const auto before = s.b->received;
    s.run(60s);
    EXPECT_EQ(s.b->received > before + 100, !bad);
  }
}

TEST(IceSimulation, checks_are_paced_and_relayed_ones_permitted) {
  for (const Rule rule : {Rule::i27, Rule::i19, Rule::i09, Rule::i20}) {
    SiteSettings site = nat(dependences[2], dependences[2]);
    site.misbehaviour = {rule};
    Simulation s(16, site, nat(dependences[2], dependences[2]));
    s.run(20s, [&] { return s.both_connected(); });
    std::map<ice::Route, Time> first;
    Time last{};
    bool close = false;
    for (const auto& [at, route] : s.a->requests) {
      if (!first.emplace(route, at).second) continue;
      close = close || (last != Time{} && at - last < 20ms);
      last = at;
    }
    EXPECT_EQ(close, rule == Rule::i19);
    EXPECT_EQ(s.a->unpermitted_relays > 0, rule == Rule::i09);
    std::map<ice::Route, Time> before;
    bool hasty = false;
    for (const auto& [at, route] : s.a->requests) {
      if (before.contains(route) && at - before[route] < 200ms && s.a->nominated.count(route) == 0) hasty = true;
      before[route] = at;
    }
    if (rule == Rule::i20) {
      EXPECT_TRUE(hasty);
    }
  }
}

// RFC 8445 section 14.2.
TEST(IceSimulation, checks_are_as_far_apart_as_the_slower_of_both_wants_them) {
  for (const auto& [mine, theirs] : {std::pair{20ms, 80ms}, {80ms, 20ms}, {5ms, 5ms}}) {
    auto site = nat(dependences[2], dependences[2]);
    auto other = site;
    site.pacing = mine;
    other.pacing = theirs;
    Simulation s(16, site, other);
    s.run(20s, [&] { return s.both_connected(); });
    std::set<ice::Route> seen;
    Time last{};
    Duration closest = 1s;
    for (const auto& [at, route] : s.a->requests) {
      if (!seen.insert(route).second) continue;
      if (last != Time{}) closest = std::min<Duration>(closest, std::chrono::duration_cast<Duration>(at - last));
      last = at;
    }
    const auto slower = std::max(mine, theirs);
    EXPECT_GE(closest, slower);
    EXPECT_LT(closest, slower + 40ms);
  }
}

TEST(IceSimulation, only_relay_candidates_are_told_and_used_when_the_policy_says_so) {
  SiteSettings site;
  site.relay_only = true;
  Simulation s(17, site, {});
  ASSERT_TRUE(s.run(10s, [&] { return s.both_connected(); }));
  EXPECT_EQ(s.a->selected->local.type, Type::relay);
  for (const auto& candidate : s.a->told) {
    EXPECT_EQ(candidate.type, Type::relay);
    EXPECT_EQ(candidate.related_host, "0.0.0.0");
  }
}

TEST(IceSimulation, data_and_nominations_go_astray_on_request) {
  SiteSettings wild = nat(dependences[0], dependences[0]);
  wild.v6 = true;
  wild.misbehaviour = {Rule::i18};
  Simulation everywhere(18, wild, {.v6 = true}, {.delay = 100ms});
  ASSERT_TRUE(everywhere.run(10s, [&] { return everywhere.both_connected(); }));
  everywhere.run(3s);
  EXPECT_GT(everywhere.a->data_routes.size(), 1u);
  wild.misbehaviour = {Rule::i15};
  Simulation twice(19, wild, {});
  ASSERT_TRUE(twice.run(10s, [&] { return twice.both_connected(); }));
  twice.run(10s);
  EXPECT_GT(twice.a->nominated.size(), 1u);
}

}  // namespace
}  // namespace crypelab::client::ice_simulation_test
