// Two agents on one machine, with the sockets and relays that the gatherer gives them.
#include "gathering.h"
#include "tests/unit/faults/running_proxy.h"

namespace crypelab::client::transport::gatherer_test {
namespace {

TEST_F(Gathering, hosts_connect_directly) {
  Peer alice(*this, true, settings({}, false), direct());
  Peer bob(*this, false, settings({}, false), direct());
  connect(alice, bob);
  ASSERT_TRUE(alice.path);
  EXPECT_EQ(alice.path->local.transport, wire::IceCandidate::Transport::udp);
  EXPECT_TRUE(std::any_of(alice.candidates.begin(), alice.candidates.end(),
                          [](const auto& one) { return one.tcp_type == wire::IceCandidate::TcpType::passive; }));
  until([&] { return alice.ended && bob.ended; });
}

TEST_F(Gathering, relays_connect_and_the_best_transport_is_the_only_one) {
  Peer alice(*this, true, settings(every_way(), true), direct());
  Peer bob(*this, false, settings(every_way(), true), direct());
  connect(alice, bob);
  ASSERT_TRUE(alice.path);
  EXPECT_EQ(alice.path->over, RelayedOver::udp);
  EXPECT_EQ(alice.count(wire::IceCandidate::Type::relay), 1u);
  until([&] { return alice.ended; });
  close(alice);
  close(bob);
}

TEST_F(Gathering, relays_over_tls_are_chosen_by_who_prefers_them) {
  auto wanted = settings(every_way(), true);
  wanted.misbehaviour = {Rule::u03};
  Peer alice(*this, true, wanted, direct());
  Peer bob(*this, false, settings(every_way(), true), direct());
  connect(alice, bob);
  ASSERT_TRUE(alice.path);
  EXPECT_EQ(alice.path->over, RelayedOver::tls);
  close(alice);
  close(bob);
}

TEST_F(Gathering, a_dead_way_is_told_and_does_not_hold_up_the_next) {
  const auto begun = std::chrono::steady_clock::now();
  const std::vector<std::string> ways{"turn:127.0.0.1:9?transport=udp", "turn:127.0.0.1:9?transport=tcp",
                                      at("turns", coturn_->tls_port())};
  Peer alice(*this, true, settings(ways, true), direct());
  Peer bob(*this, false, settings(every_way(), true), direct());
  connect(alice, bob);
  ASSERT_TRUE(alice.path);
  EXPECT_EQ(alice.path->over, RelayedOver::tls);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
  EXPECT_GE(std::count_if(alice.reports.begin(), alice.reports.end(),
                          [](const auto& one) { return one.state == RungReport::State::failed; }),
            2);
}

TEST_F(Gathering, without_any_relay_the_end_comes_with_a_reason) {
  Peer alice(*this, true, settings({"turn:127.0.0.1:9?transport=udp", "turn:127.0.0.1:9?transport=tcp"}, true),
             direct());
  Peer bob(*this, false, settings({}, true), direct());
  alice.begin(bob);
  bob.begin(alice);
  until([&] { return alice.ended; });
  const auto reports = alice.gatherer->reports();
  ASSERT_TRUE(most_telling(reports));
  EXPECT_EQ(most_telling(reports)->code, Problem::turn_unreachable);
}

TEST_F(Gathering, no_packet_leaves_beside_the_proxy_when_the_policy_says_so) {
  faults::RunningProxy proxy{faults::ProxySettings{}};
  auto wanted = settings(every_way(), false);
  wanted.non_proxied_udp = false;
  auto dialing = direct();
  dialing.proxy = {.mode = proxy::Mode::fixed_servers,
                   .rules = "127.0.0.1:" + std::to_string(proxy.port()),
                   .bypass = "<-loopback>"};
  wanted.servers[0].urls = {*parse_ice_uri("turn:127.0.0.1:" + std::to_string(coturn_->port()) + "?transport=tcp")};
  Peer alice(*this, true, wanted, dialing);
  Peer bob(*this, false, settings(every_way(), true), direct());
  connect(alice, bob);
  ASSERT_TRUE(alice.path);
  EXPECT_EQ(alice.count(wire::IceCandidate::Type::host), 0u);
  EXPECT_EQ(alice.path->over, RelayedOver::tcp);
  proxy.journal("tunnel-opened");
}

// Which relay a peer has.
std::string relay_of(const Gatherer& gatherer) {
  for (const auto& report : gatherer.reports()) {
    if (report.state == RungReport::State::relayed) return to_string(report.uri);
  }
  return {};
}

TEST_F(Gathering, a_kind_that_is_distrusted_is_left_for_the_next_at_once) {
  Peer alice(*this, true, settings(every_way(), true), direct());
  Peer bob(*this, false, settings(every_way(), true), direct());
  connect(alice, bob);
  ASSERT_TRUE(alice.path);
  ASSERT_EQ(alice.path->over, RelayedOver::udp);
  for (const std::string_view next : {"transport=tcp", "turns:"}) {
    const auto before = relay_of(*alice.gatherer);
    alice.gatherer->distrust(next == "turns:" ? RelayedOver::tcp : RelayedOver::udp);
    EXPECT_EQ(relay_of(*alice.gatherer), "") << before;
    alice.gatherer->gather_again();
    until([&] { return relay_of(*alice.gatherer).find(next) != std::string::npos; }, 3s);
  }
  // Nothing is left but what is distrusted.
  alice.gatherer->distrust(RelayedOver::tls);
  alice.gatherer->gather_again();
  until([&] { return relay_of(*alice.gatherer).find("transport=udp") != std::string::npos; }, 3s);
  close(alice);
  close(bob);
}

TEST_F(Gathering, distrust_of_udp_takes_its_sockets_and_leaves_tcp) {
  Peer alice(*this, true, settings({}, false), direct());
  Peer bob(*this, false, settings({}, false), direct());
  connect(alice, bob);
  ASSERT_TRUE(alice.path);
  using Transport = wire::IceCandidate::Transport;
  const auto count = [&](Transport transport) {
    return std::count_if(alice.candidates.begin(), alice.candidates.end(),
                         [&](const auto& one) { return one.transport == transport; });
  };
  const auto tcp = count(Transport::tcp);
  const auto udp = count(Transport::udp);
  const auto again = [&] {
    alice.gatherer->gather_again();
    alice.candidates.clear();
    alice.ended = false;
    alice.agent->restart(std::chrono::steady_clock::now());
    alice.stirred();
    until([&] { return alice.ended; });
  };
  alice.gatherer->distrust(RelayedOver::udp);
  again();
  EXPECT_EQ(count(Transport::udp), 0);
  EXPECT_EQ(count(Transport::tcp), tcp);
  alice.gatherer->trust_again();
  again();
  EXPECT_EQ(count(Transport::udp), udp);
  EXPECT_EQ(count(Transport::tcp), tcp);
}

TEST_F(Gathering, new_credentials_are_used_at_once) {
  auto wanted = settings(every_way(), true);
  wanted.servers[0].username = "former";
  wanted.servers[0].credential = "expired";
  wanted.servers[0].urls.push_back(*parse_ice_uri(silent_udp()));
  Peer alice(*this, true, wanted, direct());
  Peer bob(*this, false, settings({}, true), direct());
  alice.begin(bob);
  bob.begin(alice);
  until([&] {
    return std::count_if(alice.reports.begin(), alice.reports.end(),
                         [](const auto& one) { return one.trouble.code == Problem::turn_auth_failed; }) >= 3;
  });
  wanted.servers[0].username = "alice";
  wanted.servers[0].credential = "wonder:land";
  // As a server that makes credentials for a time does: another name with each.
  alice.gatherer->change_servers(wanted.servers);
  alice.gatherer->gather_again();
  until([&] { return !relay_of(*alice.gatherer).empty(); }, 3s);
  close(alice);
  close(bob);
}

}  // namespace
}  // namespace crypelab::client::transport::gatherer_test
