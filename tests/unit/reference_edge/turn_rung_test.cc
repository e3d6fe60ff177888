// Relays of a real coturn over every transport, directly and through a proxy.
#include "clients/reference/transport/turn_rung.h"

#include "edge.h"
#include "running_coturn.h"
#include "tests/unit/faults/running_proxy.h"

#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

namespace crypelab::client::transport::turn_rung_test {
namespace {

class Rungs : public ::testing::Test, public TurnRung::Listener {
 protected:
  static void SetUpTestSuite() { coturn_ = new RunningCoturn; }
  static void TearDownTestSuite() {
    delete coturn_;
    coturn_ = nullptr;
  }
  Rungs() : resolver(edge.io.get_executor(), {"/dev/null", coturn_->hosts(), 1, {}}) {}

  IceUri uri(const std::string& text) { return *parse_ice_uri(text); }
  IceUri udp() { return uri("turn:127.0.0.1:" + std::to_string(coturn_->port()) + "?transport=udp"); }
  IceUri tcp() { return uri("turn:127.0.0.1:" + std::to_string(coturn_->port()) + "?transport=tcp"); }
  IceUri tls(const std::string& host = "turns.crype.test") {
    return uri("turns:" + host + ":" + std::to_string(coturn_->tls_port()));
  }

  TurnRung& make(const IceUri& to, Dialer::Settings dialing = {}, Misbehaviour broken = {}) {
    if (dialing.trust.empty()) dialing.trust = coturn_->trust();
    if (dialing.proxy.mode == proxy::Mode::system) dialing.proxy.mode = proxy::Mode::direct;
    dialing.misbehaviour = broken;
    dialers.push_back(std::make_unique<Dialer>(edge.io.get_executor(), dialing, resolver, edge.random, edge));
    TurnRung::Settings settings{.uri = to, .username = "alice", .credential = "wonder:land"};
    settings.misbehaviour = broken;
    settings.families = turn::AddressFamilies::v4;
    rungs.push_back(std::make_unique<TurnRung>(edge.io.get_executor(), settings, record, *dialers.back(), resolver,
                                               edge.random, *this));
    return *rungs.back();
  }
  static Dialer::Settings through(const faults::RunningProxy& proxy) {
    Dialer::Settings dialing;
    dialing.proxy = {.mode = proxy::Mode::fixed_servers,
                     .rules = "127.0.0.1:" + std::to_string(proxy.port()),
                     .bypass = "<-loopback>"};
    return dialing;
  }
  // Runs until it is decided.
  RungReport decide(TurnRung& rung) {
    rung.start();
    until([&] { return rung.report().state != RungReport::State::trying; });
    return rung.report();
  }
  void until(const std::function<bool()>& fact) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    edge.io.restart();
    while (!fact() && std::chrono::steady_clock::now() < deadline) edge.io.run_one_for(100ms);
    EXPECT_TRUE(fact());
  }
  void close(TurnRung& rung) {
    edge.wait([](TurnRung& one) -> Awaitable<bool> {
      co_await one.close();
      co_return true;
    }(rung));
  }

  void allocated(TurnRung&) override {}
  void received(TurnRung&, const turn::PeerData& data) override { got += wire::text_of(data.payload); }
  void permission(TurnRung&, const Address&, bool granted) override { granted ? ++permitted : ++refused; }
  void told(TurnRung&, const RungReport& report) override { reports.push_back(report); }

  static RunningCoturn* coturn_;
  Edge edge;
  Resolver resolver;
  turn::AccountRecord account;
  turn::ServerRecord record{turn::AddressFamilies::v4, {}, &account};
  std::vector<std::unique_ptr<Dialer>> dialers;
  std::vector<std::unique_ptr<TurnRung>> rungs;
  std::vector<RungReport> reports;
  std::string got;
  int permitted = 0;
  int refused = 0;
};
RunningCoturn* Rungs::coturn_ = nullptr;

TEST_F(Rungs, data_travels_between_relays_over_every_transport) {
  for (const auto& to : {udp(), tcp(), tls()}) {
    auto& near = make(to);
    auto& far = make(udp());
    ASSERT_EQ(decide(near).state, RungReport::State::relayed) << near.report().trouble.detail;
    ASSERT_EQ(decide(far).state, RungReport::State::relayed);
    permitted = 0;
    const auto here = *near.allocation()->relayed(Family::v4);
    const auto there = *far.allocation()->relayed(Family::v4);
    near.permit(there.address);
    far.permit(here.address);
    until([&] { return permitted == 2; });
    for (const bool by_channel : {false, true}) {
      if (by_channel) {
        near.bind(there);
        until([&] { return near.allocation()->channel(there, std::chrono::steady_clock::now()).has_value(); });
      }
      got.clear();
      EXPECT_TRUE(near.send(there, wire::bytes_of("odd")));
      until([&] { return got == "odd"; });
      EXPECT_TRUE(far.send(here, wire::bytes_of("answer")));
      until([&] { return got == "oddanswer"; });
    }
    close(near);
    close(far);
  }
}

TEST_F(Rungs, an_allocation_is_deleted_before_the_connection_ends) {
  auto& rung = make(tcp());
  ASSERT_EQ(decide(rung).state, RungReport::State::relayed);
  close(rung);
  EXPECT_TRUE(coturn_->says("refreshed, realm=<crype.test>, username=<alice>, lifetime=0")) << coturn_->log();
}

TEST_F(Rungs, tls_is_refused_when_the_certificate_is_for_somebody_else) {
  auto& rung = make(tls("other.crype.test"));
  EXPECT_EQ(decide(rung).state, RungReport::State::failed);
  EXPECT_EQ(rung.report().trouble.code, Problem::turn_tls_untrusted) << rung.report().trouble.detail;
  for (const auto rule : {Rule::t01, Rule::t02}) {
    EXPECT_EQ(decide(make(tls("other.crype.test"), {}, {rule})).state, RungReport::State::relayed);
  }
}

TEST_F(Rungs, tls_is_refused_when_nobody_known_has_signed) {
  Dialer::Settings strangers;
  strangers.trust = "/etc/ssl/certs/ca-certificates.crt";
  auto& rung = make(tls(), strangers);
  EXPECT_EQ(decide(rung).state, RungReport::State::failed);
  EXPECT_EQ(rung.report().trouble.code, Problem::turn_tls_untrusted) << rung.report().trouble.detail;
}

TEST_F(Rungs, a_server_that_another_way_found_full_is_asked_for_nothing_until_it_may_have_room) {
  account.add_full(*parse_address("127.0.0.1"), std::chrono::steady_clock::now() + 1s);
  for (const auto& to : {udp(), tcp(), tls()}) {
    auto& rung = make(to);
    EXPECT_EQ(decide(rung).state, RungReport::State::waiting) << rung.report().trouble.detail;
    EXPECT_EQ(rung.report().trouble.code, Problem::turn_quota);
    EXPECT_EQ(rung.allocation(), nullptr);
  }
  until([&] {
    return std::all_of(rungs.begin(), rungs.end(), [](const auto& rung) { return rung->allocation() != nullptr; });
  });
  for (auto& rung : rungs) close(*rung);
}

TEST_F(Rungs, wrong_credentials_are_named_and_not_shown_again) {
  auto& rung = make(udp());
  auto settings = rung.settings();
  settings.credential = "guessed";
  TurnRung wrong(edge.io.get_executor(), settings, record, *dialers.back(), resolver, edge.random, *this);
  EXPECT_EQ(decide(wrong).state, RungReport::State::failed);
  EXPECT_EQ(wrong.report().trouble.code, Problem::turn_auth_failed);
  EXPECT_FALSE(record.may_ask(std::chrono::steady_clock::now()));
}

TEST_F(Rungs, a_port_where_nobody_listens_is_noticed_at_once) {
  const auto begun = std::chrono::steady_clock::now();
  for (const auto* transport : {"udp", "tcp"}) {
    auto& rung = make(uri(std::string("turn:127.0.0.1:9?transport=") + transport));
    EXPECT_EQ(decide(rung).state, RungReport::State::failed);
    EXPECT_EQ(rung.report().trouble.code, Problem::turn_unreachable) << rung.report().trouble.detail;
    EXPECT_NE(rung.report().trouble.detail.find("127.0.0.1:9"), std::string::npos) << rung.report().trouble.detail;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST_F(Rungs, relays_are_reached_through_a_proxy_by_name) {
  faults::ProxySettings settings;
  settings.realm = "office";
  settings.users = {{"bob", "builder"}};
  settings.challenges = {{"Digest", "SHA-256", ""}};
  faults::RunningProxy proxy(settings);
  Dialer::Settings dialing;
  dialing.proxy = {.mode = proxy::Mode::fixed_servers,
                   .rules = "127.0.0.1:" + std::to_string(proxy.port()),
                   .bypass = "<-loopback>"};
  dialing.account = {proxy::Account::Kind::given, "bob", "builder"};
  auto& plain = make(tcp(), dialing);
  EXPECT_EQ(decide(plain).state, RungReport::State::relayed) << plain.report().trouble.detail;
  EXPECT_TRUE(plain.via_proxy());
  auto over_tls = tls("localhost");
  auto& secure = make(over_tls, dialing);
  EXPECT_EQ(decide(secure).state, RungReport::State::relayed) << secure.report().trouble.detail;
  proxy.journal("CONNECT\",\"target\":\"localhost:" + std::to_string(coturn_->tls_port()));
  close(plain);
  close(secure);
}

TEST_F(Rungs, a_tunnel_that_is_cut_loses_the_relay_at_once) {
  faults::ProxySettings settings;
  settings.cut.after = faults::Millis(200);
  settings.cut.by = faults::CutBy::reset;
  faults::RunningProxy proxy(settings);
  Dialer::Settings dialing;
  dialing.proxy = {.mode = proxy::Mode::fixed_servers,
                   .rules = "127.0.0.1:" + std::to_string(proxy.port()),
                   .bypass = "<-loopback>"};
  auto& rung = make(tcp(), dialing);
  ASSERT_EQ(decide(rung).state, RungReport::State::relayed);
  until([&] { return rung.report().state == RungReport::State::lost; });
  EXPECT_EQ(rung.report().trouble.code, Problem::turn_unreachable);
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

TEST_F(Rungs, a_silent_proxy_is_asked_once_for_each_tunnel) {
  faults::ProxySettings settings;
  settings.answer = 0;
  faults::RunningProxy proxy(settings);
  auto& rung = make(tls("localhost"), through(proxy));
  auto hurried = rung.settings();
  hurried.connect_time = 3s;
  TurnRung once(edge.io.get_executor(), hurried, record, *dialers.back(), resolver, edge.random, *this);
  EXPECT_EQ(decide(once).state, RungReport::State::failed);
  EXPECT_EQ(once.report().trouble.code, Problem::proxy_unreachable) << once.report().trouble.detail;
  faults::Caller marker(proxy);
  marker.send("CONNECT the.end:1 HTTP/1.1\r\nHost: the.end:1\r\n\r\n");
  EXPECT_EQ(count(proxy.journal("the.end:1"), "\"host\":\"localhost:"), 1u);
}

TEST_F(Rungs, every_tunnel_says_what_it_is_for) {
  faults::RunningProxy proxy{faults::ProxySettings{}};
  // The echo server behind the proxy speaks no TLS: both ways are tried.
  auto& rung = make(uri("turns:" + proxy.target()), through(proxy));
  EXPECT_EQ(decide(rung).state, RungReport::State::failed);
  EXPECT_EQ(rung.report().trouble.code, Problem::turn_tls_blocked) << rung.report().trouble.detail;
  faults::Caller marker(proxy);
  marker.send("CONNECT the.end:1 HTTP/1.1\r\nHost: the.end:1\r\n\r\n");
  const auto journal = proxy.journal("the.end:1");
  EXPECT_EQ(count(journal, "\"host\":\"" + proxy.target()), 2u) << journal;
  EXPECT_EQ(count(journal, "\"alpn\":\"stun.turn\""), 2u) << journal;
}

}  // namespace
}  // namespace crypelab::client::transport::turn_rung_test
