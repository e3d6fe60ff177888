// Tunnels through the fault proxy, which knows what a client must do and can be told to be odd.
#include "edge.h"
#include "tests/unit/faults/running_proxy.h"

#include <gtest/gtest.h>

namespace crypelab::client::transport::proxy_tunnel_test {
namespace {

using faults::OfferedChallenge;
using faults::ProxySettings;
using faults::RunningProxy;

ProxySettings with_users(std::vector<OfferedChallenge> challenges) {
  ProxySettings settings;
  settings.realm = "office";
  settings.users = {{"alice", "wonder:land"}};
  settings.challenges = std::move(challenges);
  return settings;
}

Dialer::Settings through(const RunningProxy& proxy, Misbehaviour misbehaviour = {}) {
  Dialer::Settings settings;
  settings.proxy = {.mode = proxy::Mode::fixed_servers,
                    .rules = "http://127.0.0.1:" + std::to_string(proxy.port()),
                    .bypass = "<-loopback>"};
  settings.account = {proxy::Account::Kind::given, "alice", "wonder:land"};
  settings.misbehaviour = misbehaviour;
  return settings;
}

Target target_of(const RunningProxy& proxy) {
  const auto target = *parse_endpoint(proxy.target());
  return {.host = to_string(target.address), .port = target.port, .protocols = {"stun.turn"}};
}

class Tunnels : public ::testing::Test {
 protected:
  std::string open(const ProxySettings& settings, Misbehaviour misbehaviour = {}) {
    RunningProxy proxy(settings);
    return open(proxy, through(proxy, misbehaviour));
  }
  std::string open(const RunningProxy& proxy, const Dialer::Settings& settings) {
    auto outcome = edge.dial(settings, target_of(proxy));
    if (auto* dialed = std::get_if<Dialed>(&outcome)) {
      EXPECT_EQ(edge.echoed(*dialed->stream, "bytes of the tunnel"), "bytes of the tunnel");
    } else {
      detail = failure_of(outcome).trouble.detail;
    }
    return result_of(outcome);
  }
  Edge edge;
  std::string detail;
};

TEST_F(Tunnels, a_proxy_that_asks_nobody_gives_a_tunnel) {
  EXPECT_EQ(open(ProxySettings{}), "open");
  EXPECT_EQ(edge.phase_text(), "connect tunnel:200:");
}

TEST_F(Tunnels, basic_is_answered) {
  EXPECT_EQ(open(with_users({{"Basic", "", ""}})), "open");
  EXPECT_EQ(edge.phase_text(), "connect challenge:407:basic tunnel:200:basic");
}

TEST_F(Tunnels, schemes_that_nobody_knows_are_passed_over) {
  for (const bool one_field : {false, true}) {
    auto settings = with_users({{"Foo", "", ""}, {"NEGOTIATE", "", ""}, {"basic", "", ""}});
    settings.one_field = one_field;
    EXPECT_EQ(open(settings), "open") << detail;
    EXPECT_NE(open(settings, {Rule::p08}), "open");
  }
}

TEST_F(Tunnels, the_strongest_digest_is_chosen_wherever_it_stands) {
  const auto settings = with_users({{"Basic", "", ""},
                                    {"Digest", "MD5", "/elsewhere"},
                                    {"Digest", "SHA-512-256", ""},
                                    {"Digest", "SHA-256", ""},
                                    {"Digest", "Whirlpool", ""}});
  RunningProxy proxy(settings);
  EXPECT_EQ(open(proxy, through(proxy)), "open") << detail;
  proxy.journal("\"algorithm\":\"SHA-512-256\"");
  EXPECT_EQ(open(proxy, through(proxy, {Rule::p07})), "open");
  proxy.journal("\"scheme\":\"basic\"");
  EXPECT_EQ(open(proxy, through(proxy, {Rule::p17})), "open");
  proxy.journal("\"algorithm\":\"MD5\"");
}

TEST_F(Tunnels, an_unknown_digest_algorithm_is_left_alone) {
  const auto settings = with_users({{"Digest", "Whirlpool", ""}, {"Digest", "SHA-256", ""}});
  EXPECT_EQ(open(settings), "open") << detail;
  EXPECT_EQ(open(settings, {Rule::p13}), "PROXY_AUTH_FAILED");
}

TEST_F(Tunnels, digest_that_is_answered_wrongly_is_refused) {
  const auto settings = with_users({{"Digest", "SHA-256", ""}});
  EXPECT_EQ(open(settings, {Rule::p12}), "PROXY_AUTH_FAILED");
}

TEST_F(Tunnels, a_stale_nonce_is_replaced_without_a_word) {
  auto settings = with_users({{"Digest", "SHA-256", ""}});
  settings.nonce_life = faults::Millis(20);
  for (const bool minds : {false, true}) {
    RunningProxy proxy(settings);
    Dialer dialer(edge.io.get_executor(), through(proxy, minds ? Misbehaviour{Rule::p14} : Misbehaviour{}),
                  edge.resolver, edge.random, edge);
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    EXPECT_EQ(result_of(edge.wait(dialer.dial(target_of(proxy), deadline))), "open");
    std::string seen;
    // Until a nonce has become old between two tunnels.
    while (seen.find("challenge") == std::string::npos && std::chrono::steady_clock::now() < deadline) {
      edge.phases.clear();
      const auto result = result_of(edge.wait(dialer.dial(target_of(proxy), deadline)));
      seen = edge.phase_text();
      if (seen.find("challenge") != std::string::npos) {
        EXPECT_EQ(result, minds ? "PROXY_AUTH_FAILED" : "open");
      }
    }
    EXPECT_TRUE(seen.starts_with("connect challenge:407:digest")) << seen;
  }
}

TEST_F(Tunnels, a_wrong_password_is_shown_once_and_never_again) {
  RunningProxy proxy(with_users({{"Basic", "", ""}}));
  auto settings = through(proxy);
  settings.account.password = "guessed";
  Dialer dialer(edge.io.get_executor(), settings, edge.resolver, edge.random, edge);
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  EXPECT_EQ(result_of(edge.wait(dialer.dial(target_of(proxy), deadline))), "PROXY_AUTH_FAILED");
  EXPECT_EQ(edge.phases.size(), 3u);
  edge.phases.clear();
  const auto again = edge.wait(dialer.dial(target_of(proxy), deadline));
  EXPECT_EQ(result_of(again), "PROXY_AUTH_FAILED");
  EXPECT_TRUE(edge.phases.empty());
  EXPECT_EQ(failure_of(again).trouble.detail.find("guessed"), std::string::npos);
  dialer.change_proxy(settings.proxy, through(proxy).account);
  EXPECT_EQ(result_of(edge.wait(dialer.dial(target_of(proxy), deadline))), "open");
}

TEST_F(Tunnels, asking_for_ever_is_a_misbehaviour) {
  RunningProxy proxy(with_users({{"Basic", "", ""}}));
  auto settings = through(proxy, {Rule::p24});
  settings.account.password = "guessed";
  EXPECT_EQ(open(proxy, settings), "PROXY_AUTH_FAILED");
  EXPECT_GT(edge.phases.size(), 15u);
}

TEST_F(Tunnels, without_credentials_it_says_that_they_are_wanted) {
  RunningProxy proxy(with_users({{"Basic", "", ""}}));
  for (const auto kind : {proxy::Account::Kind::none, proxy::Account::Kind::prompt}) {
    auto settings = through(proxy);
    settings.account = {kind, "", ""};
    EXPECT_EQ(open(proxy, settings), "PROXY_AUTH_REQUIRED");
  }
  EXPECT_EQ(open(proxy, through(proxy, {Rule::w11})), "PROXY_AUTH_REQUIRED");
}

TEST_F(Tunnels, a_scheme_that_needs_a_ticket_is_unsupported_with_a_password) {
  EXPECT_EQ(open(with_users({{"Negotiate", "", ""}})), "PROXY_AUTH_UNSUPPORTED");
  EXPECT_NE(detail.find("Negotiate"), std::string::npos) << detail;
}

TEST_F(Tunnels, what_worked_is_shown_unasked_to_the_next) {
  RunningProxy proxy(with_users({{"Digest", "SHA-256", ""}}));
  Dialer dialer(edge.io.get_executor(), through(proxy), edge.resolver, edge.random, edge);
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(result_of(edge.wait(dialer.dial(target_of(proxy), deadline))), "open");
  EXPECT_EQ(edge.phase_text(),
            "connect challenge:407:digest tunnel:200:digest connect tunnel:200:digest connect tunnel:200:digest");
  proxy.journal("\"nc\":3");
}

TEST_F(Tunnels, every_2xx_opens_a_tunnel_and_tells_no_body) {
  for (const unsigned status : {200u, 204u, 299u}) {
    ProxySettings settings;
    settings.tunnel = {status, 120, "chunked"};
    EXPECT_EQ(open(settings), "open") << status << detail;
    if (status != 200) {
      EXPECT_EQ(open(settings, {Rule::p03}), "PROXY_CONNECT_DENIED");
    }
  }
}

TEST_F(Tunnels, a_refusal_with_a_page_on_a_closed_connection_is_survived) {
  auto settings = with_users({{"Basic", "", ""}});
  settings.close_refused = true;
  settings.refusal_body = 8192;
  EXPECT_EQ(open(settings), "open") << detail;
  EXPECT_EQ(edge.phase_text(), "connect challenge:407:basic connect tunnel:200:basic");
  settings.close_refused = false;
  edge.phases.clear();
  EXPECT_EQ(open(settings), "open") << detail;
  EXPECT_EQ(edge.phase_text(), "connect challenge:407:basic tunnel:200:basic");
}

TEST_F(Tunnels, refusals_have_their_own_names) {
  ProxySettings ports;
  ports.connect_ports = {{443, 443}};
  EXPECT_EQ(open(ports), "PROXY_CONNECT_DENIED");
  for (const unsigned status : {502u, 503u, 504u}) {
    ProxySettings settings;
    settings.answer = status;
    EXPECT_EQ(open(settings), "PROXY_UNREACHABLE");
    EXPECT_NE(detail.find(std::to_string(status)), std::string::npos) << detail;
  }
  auto login = with_users({{"Basic", "", ""}});
  login.refusal = faults::Refusal::redirect_302;
  login.login = "http://login.test/";
  EXPECT_EQ(open(login), "CAPTIVE_PORTAL");
}

TEST_F(Tunnels, a_silent_proxy_is_named_at_the_deadline) {
  ProxySettings settings;
  settings.answer = 0;
  RunningProxy proxy(settings);
  const auto outcome = edge.dial(through(proxy), target_of(proxy), 300ms);
  EXPECT_EQ(result_of(outcome), "PROXY_UNREACHABLE");
  EXPECT_NE(failure_of(outcome).trouble.detail.find("no answer to CONNECT"), std::string::npos);
}

TEST_F(Tunnels, the_next_proxy_of_the_list_takes_over_from_a_dead_one) {
  RunningProxy proxy(ProxySettings{});
  auto settings = through(proxy);
  settings.proxy.rules = "http://127.0.0.1:9,http://127.0.0.1:" + std::to_string(proxy.port());
  EXPECT_EQ(open(proxy, settings), "open");
  settings.proxy.rules = "http://127.0.0.1:9,direct://";
  EXPECT_EQ(open(proxy, settings), "open");
  settings.proxy.rules = "http://127.0.0.1:9";
  EXPECT_EQ(open(proxy, settings), "PROXY_UNREACHABLE");
}

TEST_F(Tunnels, a_proxy_that_takes_connections_and_never_answers_is_passed_over) {
  ProxySettings silence;
  silence.answer = 0;
  RunningProxy dead(silence);
  RunningProxy live{ProxySettings{}};
  auto settings = through(live);
  settings.proxy.rules = "127.0.0.1:" + std::to_string(dead.port()) + ",127.0.0.1:" + std::to_string(live.port());
  const auto outcome = edge.dial(settings, target_of(live), 10s);
  EXPECT_EQ(result_of(outcome), "open");
}

TEST_F(Tunnels, the_request_is_what_the_clauses_say) {
  RunningProxy proxy{ProxySettings{}};
  const auto& target = proxy.target();
  EXPECT_EQ(open(proxy, through(proxy)), "open");
  proxy.journal("\"alpn\":\"stun.turn\"");
  EXPECT_EQ(open(proxy, through(proxy, {Rule::p18})), "open");
  proxy.journal("%73%74%75%6e");
  EXPECT_NE(open(proxy, through(proxy, {Rule::p01})), "open");
  EXPECT_NE(open(proxy, through(proxy, {Rule::p02})), "open");
  proxy.journal("\"target\":\"https://" + target);
}

TEST_F(Tunnels, applications_that_forget_the_proxy_go_beside_it) {
  auto settings = with_users({{"Basic", "", ""}});
  RunningProxy proxy(settings);
  for (const auto app : {proxy::App::desktop_unconfigured, proxy::App::mobile_native}) {
    auto habits = through(proxy);
    habits.app = app;
    EXPECT_EQ(open(proxy, habits), "open");
  }
  EXPECT_EQ(open(proxy, through(proxy, {Rule::no_bypass})), "open");
  EXPECT_TRUE(edge.phases.empty());
}

}  // namespace
}  // namespace crypelab::client::transport::proxy_tunnel_test
