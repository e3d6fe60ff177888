#pragma once

#include "clients/reference/transport/gatherer.h"
#include "edge.h"
#include "running_coturn.h"

#include <algorithm>
#include <functional>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <gtest/gtest.h>

namespace crypelab::client::transport {

// Two agents on one machine, with the sockets and relays that their gatherers give them, and a real coturn.
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

  Gathering() : Gathering(Resolver::Settings{"/dev/null", coturn_->hosts(), 1, {}}) {}
  explicit Gathering(const Resolver::Settings& names) : resolver(edge.io.get_executor(), names) {}

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
  // A server that hears, and says nothing.
  std::string silent_udp() const {
    return "turn:127.0.0.1:" + std::to_string(silent_.local_endpoint().port()) + "?transport=udp";
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

  static inline RunningCoturn* coturn_ = nullptr;
  Edge edge;
  Resolver resolver;

 private:
  boost::asio::ip::udp::socket silent_{edge.io, {boost::asio::ip::address_v4::loopback(), 0}};
};

}  // namespace crypelab::client::transport
