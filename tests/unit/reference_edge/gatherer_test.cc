// Two agents on one machine, with the sockets and relays that the gatherer gives them.
#include "clients/reference/transport/gatherer.h"

#include "edge.h"
#include "running_coturn.h"
#include "tests/unit/faults/running_proxy.h"

#include <functional>

#include <gtest/gtest.h>

namespace crypelab::client::transport {
namespace {

class Gathering : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { coturn_ = new RunningCoturn; }
  static void TearDownTestSuite() {
    delete coturn_;
    coturn_ = nullptr;
  }

  struct Peer final : Gatherer::Listener {
    Peer(Gathering& of, bool caller, Gatherer::Settings settings, Dialer::Settings dialing)
        : test(of),
          dialer(of.edge.io.get_executor(), std::move(dialing), of.resolver, of.edge.random, of.edge),
          timer(of.edge.io) {
      ice::Agent::Settings agent_settings{.controlling = caller,
                                          .relay_only = settings.relay_only,
                                          .allow_loopback = true,
                                          .misbehaviour = settings.misbehaviour};
      gatherer = std::make_unique<Gatherer>(of.edge.io.get_executor(), std::move(settings), dialer, of.resolver,
                                            of.edge.random, *this);
      agent = std::make_unique<ice::Agent>(agent_settings, of.edge.random, *gatherer);
    }
    ~Peer() override { gatherer.reset(); }
    void begin(Peer& with) {
      other = &with;
      agent->set_remote(with.agent->credentials(), std::chrono::steady_clock::now());
      gatherer->start(*agent);
    }
    void deliver(wire::Bytes packet) override { got += wire::text_of(packet); }
    void told(const RungReport& report) override { reports.push_back(report); }
    void stirred() override {
      const auto now = std::chrono::steady_clock::now();
      while (const auto event = agent->poll()) {
        switch (event->kind) {
          case ice::Event::Kind::candidate:
            candidates.push_back(event->candidate);
            other->agent->add_remote(event->candidate, now);
            other->arm();
            break;
          case ice::Event::Kind::end_of_candidates:
            other->agent->end_remote(now);
            ended = true;
            break;
          case ice::Event::Kind::selected:
            path = event->path;
            gatherer->concluded(*path);
            break;
          default:
            break;
        }
      }
      arm();
    }
    void arm() {
      const auto due = agent->next();
      if (!due) return;
      timer.expires_at(*due);
      timer.async_wait([this](Error error) {
        if (error) return;
        agent->wake(std::chrono::steady_clock::now());
        stirred();
      });
    }
    std::size_t count(wire::IceCandidate::Type type) const {
      return static_cast<std::size_t>(
          std::count_if(candidates.begin(), candidates.end(), [&](const auto& one) { return one.type == type; }));
    }
    Gathering& test;
    Dialer dialer;
    std::unique_ptr<Gatherer> gatherer;
    std::unique_ptr<ice::Agent> agent;
    boost::asio::steady_timer timer;
    Peer* other = nullptr;
    std::vector<wire::IceCandidate> candidates;
    std::vector<RungReport> reports;
    std::optional<ice::PathInfo> path;
    std::string got;
    bool ended = false;
  };

  Gathering() : resolver(edge.io.get_executor(), {"/dev/null", coturn_->hosts(), 1, {}}) {}

  Gatherer::Settings settings(std::vector<std::string> uris, bool relay_only) {
    Gatherer::Settings out{.relay_only = relay_only, .allow_loopback = true};
    IceServer server{{}, "alice", "wonder:land"};
    for (const auto& one : uris) server.urls.push_back(*parse_ice_uri(one));
    out.servers = {server};
    return out;
  }
  Dialer::Settings direct() {
    Dialer::Settings out;
    out.proxy.mode = proxy::Mode::direct;
    out.trust = coturn_->trust();
    return out;
  }
  std::string at(const std::string& scheme, std::uint16_t port, const std::string& query = "") {
    return scheme + ":turns.crype.test:" + std::to_string(port) + query;
  }
  std::vector<std::string> every_way() {
    return {at("turns", coturn_->tls_port()), at("turn", coturn_->port(), "?transport=tcp"),
            at("turn", coturn_->port(), "?transport=udp")};
  }
  void until(const std::function<bool()>& fact, Duration time = 10s) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    edge.io.restart();
    while (!fact() && std::chrono::steady_clock::now() < deadline) edge.io.run_one_for(50ms);
    EXPECT_TRUE(fact());
  }
  void connect(Peer& alice, Peer& bob) {
    alice.begin(bob);
    bob.begin(alice);
    until([&] { return alice.path && bob.path; });
    if (!alice.path || !bob.path) return;
    EXPECT_TRUE(alice.agent->send(wire::bytes_of("from alice"), std::chrono::steady_clock::now()));
    EXPECT_TRUE(bob.agent->send(wire::bytes_of("from bob"), std::chrono::steady_clock::now()));
    until([&] { return alice.got == "from bob" && bob.got == "from alice"; });
  }
  void close(Peer& peer) {
    edge.wait([](Gatherer& one) -> Awaitable<bool> {
      co_await one.close();
      co_return true;
    }(*peer.gatherer));
  }

  static RunningCoturn* coturn_;
  Edge edge;
  Resolver resolver;
};
RunningCoturn* Gathering::coturn_ = nullptr;

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
