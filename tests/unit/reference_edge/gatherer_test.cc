// Two agents on one machine, with the sockets and relays that the gatherer gives them.
#include "gathering.h"
#include "tests/unit/faults/running_proxy.h"

namespace crypelab::client::transport {
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

}  // namespace
}  // namespace crypelab::client::transport
