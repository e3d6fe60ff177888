// How long a ladder takes to the rung that works. Times are upper bounds below the head start of the better rungs
// (300 ms), which a ladder that waited for them could not keep.
#include "gathering.h"
#include "name_server.h"
#include "tests/unit/faults/running_proxy.h"

#include <fmt/format.h>

namespace crypelab::client::transport::ladder_pace_test {
namespace {

constexpr Duration soon = 150ms;

class LadderPace : public Gathering {
 protected:
  // What the machine knows names from.
  void ask(std::vector<std::string> names, std::optional<Duration> delay) {
    names_.emplace(edge.io, std::move(names), delay);
    resolver = Resolver(edge.io.get_executor(), names_->settings());
  }
  // From the beginning to a relay.
  Duration time_to_relay(const std::vector<std::string>& uris, const Dialer::Settings& dialing) {
    Peer alice(*this, true, settings(uris, true), dialing);
    Peer bob(*this, false, settings({}, true), direct());
    const auto begun = std::chrono::steady_clock::now();
    alice.begin(bob);
    bob.begin(alice);
    until([&] { return alice.count(wire::IceCandidate::Type::relay) > 0; });
    const auto taken = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begun);
    over = alice.candidates.empty() ? std::string() : over_of(alice);
    close(alice);
    close(bob);
    return taken;
  }
  static std::string over_of(const Peer& peer) {
    for (const auto& report : peer.gatherer->reports()) {
      if (report.state == RungReport::State::relayed) return to_string(report.uri);
    }
    return {};
  }
  Dialer::Settings through(const faults::RunningProxy& proxy) {
    auto dialing = direct();
    dialing.proxy = {.mode = proxy::Mode::fixed_servers,
                     .rules = "127.0.0.1:" + std::to_string(proxy.port()),
                     .bypass = "<-loopback>"};
    return dialing;
  }
  std::string refused_tcp() { return "turn:127.0.0.1:9?transport=tcp"; }

  std::string over;

 private:
  std::optional<NameServer> names_;
};

TEST_F(LadderPace, udp_begins_when_its_name_is_known) {
  ask({"turns.crype.test"}, 20ms);
  EXPECT_LT(time_to_relay(every_way(), direct()), soon);
  EXPECT_NE(over.find("transport=udp"), std::string::npos) << over;
}

TEST_F(LadderPace, tcp_begins_when_no_name_of_udp_is_known) {
  ask({}, 5ms);
  EXPECT_LT(time_to_relay({"turn:nowhere.crype.test:3478?transport=udp",
                           fmt::format("turn:127.0.0.1:{}?transport=tcp", coturn_->port())},
                          direct()),
            soon);
}

TEST_F(LadderPace, tls_begins_when_udp_is_silent_and_tcp_refused) {
  const std::vector<std::string> ways{silent_udp(), refused_tcp(), at("turns", coturn_->tls_port())};
  EXPECT_LT(time_to_relay(ways, direct()), 300ms + soon);
}

TEST_F(LadderPace, a_silent_resolver_does_not_hold_up_what_needs_no_name) {
  ask({}, std::nullopt);
  const std::vector<std::string> ways{"turn:nowhere.crype.test:3478?transport=udp", refused_tcp(),
                                      fmt::format("turn:127.0.0.1:{}?transport=tcp", coturn_->port())};
  EXPECT_LT(time_to_relay(ways, direct()), 300ms + soon);
}

TEST_F(LadderPace, udp_has_a_short_head_start_where_a_proxy_is_the_way_out) {
  const faults::RunningProxy proxy{faults::ProxySettings{}};
  const std::vector<std::string> ways{silent_udp(), fmt::format("turn:127.0.0.1:{}?transport=tcp", coturn_->port())};
  EXPECT_LT(time_to_relay(ways, through(proxy)), 50ms + soon);
}

TEST_F(LadderPace, udp_that_works_wins_beside_a_proxy) {
  const faults::RunningProxy proxy{faults::ProxySettings{}};
  const auto port = coturn_->port();
  EXPECT_LT(time_to_relay({fmt::format("turn:127.0.0.1:{}?transport=tcp", port),
                           fmt::format("turn:127.0.0.1:{}?transport=udp", port)},
                          through(proxy)),
            soon);
  EXPECT_NE(over.find("transport=udp"), std::string::npos) << over;
}

}  // namespace
}  // namespace crypelab::client::transport::ladder_pace_test
