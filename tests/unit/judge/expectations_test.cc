#include "expectations.h"

namespace crypelab::judge::expectations_test {
namespace {

using model::Outcome;

TEST_F(Expectations, words_and_packets_of_both_are_connected) {
  connected();
  expect(model::ExpectConnected{std::chrono::seconds(3)});
  EXPECT_EQ(only().outcome, Outcome::pass);
}

TEST_F(Expectations, too_late_is_not_connected_in_time) {
  connected();
  expect(model::ExpectConnected{std::chrono::seconds(1)});
  EXPECT_EQ(only().reason, "connected after 1.9 s, later than 1s");
}

TEST_F(Expectations, words_without_packets_are_no_connection_and_a_finding) {
  evidence.words(ms(2000));
  expect(model::ExpectConnected{});
  const auto judgement = evidence.judged();
  EXPECT_EQ(find(judgement, "connected")->outcome, Outcome::fail);
  ASSERT_NE(find(judgement, "claims-connected", "alice"), nullptr);
  EXPECT_EQ(judgement.outcome, Outcome::fail);
}

TEST_F(Expectations, packets_without_the_others_word_are_no_connection_and_a_finding) {
  connected();
  evidence.attempt.parties[1].proof = "another";
  expect(model::ExpectConnected{});
  const auto judgement = evidence.judged();
  EXPECT_EQ(find(judgement, "connected")->outcome, Outcome::fail);
  ASSERT_NE(find(judgement, "claims-connected", "alice"), nullptr);
  EXPECT_EQ(find(judgement, "claims-connected", "bob"), nullptr);
}

TEST_F(Expectations, who_says_the_others_word_only_in_the_end_said_something_untrue_before) {
  evidence.client(ms(500), "alice", "connected", {{"peer_proof", std::string("guessed")}});
  connected();
  expect(model::ExpectConnected{std::chrono::seconds(3)});
  const auto judgement = evidence.judged();
  EXPECT_EQ(find(judgement, "connected")->outcome, Outcome::pass);
  ASSERT_NE(find(judgement, "claims-connected", "alice"), nullptr);
  EXPECT_EQ(
      find(judgement, "claims-connected", "alice")->reason,
      "alice said it was connected and quoted 'guessed', which is not the other's word; that it held, too, at 2.0 s");
  EXPECT_EQ(find(judgement, "claims-connected", "bob"), nullptr);
  EXPECT_EQ(judgement.outcome, Outcome::fail);
}

TEST_F(Expectations, a_capture_that_lost_packets_proves_no_absence) {
  evidence.words(ms(2000));
  evidence.attempt.packets_lost = 3;
  expect(model::ExpectConnected{});
  EXPECT_EQ(only().outcome, Outcome::inconclusive);
}

TEST_F(Expectations, who_must_not_be_connected_and_says_why_passes) {
  evidence.client(ms(3000), "alice", "problem", {{"code", std::string("ICE_NO_PATH")}});
  expect(model::ExpectNotConnected{});
  EXPECT_EQ(only().outcome, Outcome::pass);
}

TEST_F(Expectations, who_must_not_be_connected_and_says_nothing_is_unclear) {
  evidence.client(ms(3000), "alice", "problem", {{"code", std::string("SOMETHING")}});
  expect(model::ExpectNotConnected{});
  EXPECT_EQ(only().outcome, Outcome::unclear_error);
}

TEST_F(Expectations, who_must_not_be_connected_and_is_fails) {
  connected();
  expect(model::ExpectNotConnected{});
  EXPECT_EQ(only().outcome, Outcome::fail);
}

TEST_F(Expectations, the_right_path_passes_and_another_is_the_wrong_path) {
  connected();
  expect(model::ExpectPath{"alice", {model::PathClass::direct}, false});
  EXPECT_EQ(only().outcome, Outcome::pass);
}
TEST_F(Expectations, another_path_is_the_wrong_one) {
  connected();
  expect(model::ExpectPath{"alice", {model::PathClass::relay_tls, model::PathClass::relay_tcp}, std::nullopt});
  EXPECT_EQ(only().outcome, Outcome::wrong_path);
}

TEST_F(Expectations, a_client_that_says_another_path_than_its_data_took_is_found_out) {
  connected();
  evidence.client(ms(1000), "alice", "selected",
                  {{"local.candidateType", std::string("relay")}, {"local.relayProtocol", std::string("tls")}});
  expect(model::ExpectPath{"alice", {model::PathClass::direct}, false});
  const auto judgement = evidence.judged();
  ASSERT_NE(find(judgement, "claims-path", "alice"), nullptr);
  EXPECT_EQ(find(judgement, "claims-path", "alice")->reason, "alice said relay-tls, its data took direct");
}

// From 1 s on directly, then through a relay, and in the end, for a moment, directly again.
TEST_F(Expectations, who_moves_and_says_so_each_time_is_not_accused) {
  for (const bool lies : {false, true}) {
    Evidence moving(with_egress());
    moving.hellos();
    moving.words(ms(2000));
    direct_data(moving, "bob", bob, alice, bob, ms(1000), 200);
    direct_data(moving, "alice", alice, bob, alice, ms(1000), 30);
    relayed_data(moving, "alice", {alice.address, 5001}, ms(2000), 100);
    const auto says = [&](Moment at, const char* type) {
      moving.client(
          at, "alice", "selected",
          {{"local.candidateType", std::string(type)}, {"local.relayProtocol", std::string(lies ? "tls" : "udp")}});
    };
    says(ms(1000), "host");
    says(ms(1990), "relay");
    says(ms(4000), "host");
    const auto judgement = moving.judged();
    const auto* verdict = find(judgement, "claims-path", "alice");
    EXPECT_EQ(verdict != nullptr, lies);
    EXPECT_EQ(verdict == nullptr ? "" : verdict->reason, lies ? "alice said relay-tls, its data took relay-udp" : "");
  }
}

TEST_F(Expectations, data_without_a_long_pause_stay_connected) {
  connected(200);
  expect(model::ExpectStaysConnected{std::chrono::seconds(3), std::chrono::seconds(1)});
  EXPECT_EQ(only().outcome, Outcome::pass);
}
TEST_F(Expectations, a_pause_is_told_with_its_length) {
  connected(50);
  evidence.udp(ms(9000), "alice.eth0", false, alice, bob, dtls_data());
  evidence.udp(ms(9000), "bob.eth0", false, bob, alice, dtls_data());
  expect(model::ExpectStaysConnected{std::chrono::seconds(5), std::chrono::seconds(1)});
  const auto verdict = only();
  EXPECT_EQ(verdict.outcome, Outcome::fail);
  EXPECT_EQ(verdict.reason, "nothing arrived at alice for 7.0 s from 2.0 s on");
}

TEST_F(Expectations, a_packet_that_crosses_the_border_is_listed_with_its_beginning) {
  evidence.udp(ms(500), "alice.eth0", true, alice, bob, dtls_data(8));
  evidence.udp(ms(501), "office.border", true, alice, bob, dtls_data(8));
  expect(model::ExpectNoBypass{"office"});
  const auto verdict = only();
  EXPECT_EQ(verdict.outcome, Outcome::fail);
  ASSERT_EQ(verdict.details.size(), 1U);
  EXPECT_EQ(verdict.details[0], "alice to " + to_string(bob) + " (UDP), 1 packets, first bytes 17fefd0001000000");
}
TEST_F(Expectations, a_packet_that_crosses_the_border_is_listed_with_who_sent_it) {
  using Sender = std::pair<std::optional<std::int64_t>, const char*>;
  const auto offence = [&](const std::vector<Sender>& senders) {
    Evidence one(with_egress());
    one.hellos();
    for (const auto& [user, program] : senders) {
      std::vector<std::pair<std::string, model::Value>> fields{
          {"protocol", std::string("udp")}, {"from", to_string(alice)}, {"to", to_string(bob)}};
      if (user) fields.emplace_back("uid", *user);
      if (*program != 0) fields.emplace_back("program", std::string(program));
      one.event(ms(500), model::Source::lab, "alice", "sender", std::move(fields));
    }
    one.udp(ms(500), "alice.eth0", true, alice, bob, dtls_data(8));
    one.udp(ms(501), "office.border", true, alice, bob, dtls_data(8));
    one.scenario.expectations = {{model::ExpectNoBypass{"office"}, 20}};
    const auto judgement = one.judged();
    return find(judgement, "no-bypass")->details.at(0);
  };
  constexpr std::int64_t kUser = 1'000'000'001;
  const std::string first = "first bytes 17fefd0001000000";
  EXPECT_TRUE(offence({}).ends_with(first));
  EXPECT_TRUE(offence({{kUser, "crypelab-client"}}).ends_with(first + ", uid 1000000001, crypelab-client"));
  EXPECT_TRUE(offence({{kUser, ""}, {kUser, "curl"}})
                  .ends_with(", uid 1000000001, curl and uid 1000000001, its program was gone when it was looked for"));
  EXPECT_TRUE(offence({{std::nullopt, ""}}).ends_with(", sent by the host itself, not by a program"));
}
TEST_F(Expectations, what_the_border_stopped_did_not_pass_by) {
  evidence.udp(ms(500), "alice.eth0", true, alice, bob, dtls_data(8));
  expect(model::ExpectNoBypass{"office"});
  EXPECT_EQ(only().outcome, Outcome::pass);
}
TEST_F(Expectations, what_the_resolver_at_the_edge_sends_is_nobodys_bypass) {
  const Endpoint edge{model::site_public_v4(0), 40000};
  evidence.udp(ms(500), "office.border", true, edge, Endpoint{*parse_address("192.0.2.53"), 53}, Bytes(20));
  expect(model::ExpectNoBypass{"office"});
  EXPECT_EQ(only().outcome, Outcome::pass);
}
TEST_F(Expectations, an_unwatched_border_proves_nothing) {
  std::erase_if(evidence.attempt.interfaces, [](const auto& i) { return i.name == "home.border"; });
  evidence.attempt.packets_lost = 1;
  expect(model::ExpectNoBypass{"office"});
  EXPECT_EQ(only().outcome, Outcome::inconclusive);
}

TEST(Bypass, a_packet_is_known_again_behind_the_nat_by_what_is_in_it) {
  Evidence evidence;  // alice behind a NAT
  evidence.hellos();
  evidence.scenario.expectations = {{model::ExpectNoBypass{"office"}, 20}};
  const Endpoint alice{evidence.address("alice"), 5000};
  const Endpoint bob{evidence.address("bob"), 4000};
  evidence.udp(ms(500), "alice.eth0", true, alice, bob, dtls_data(9));
  evidence.udp(ms(501), "office.border", true, Endpoint{evidence.public_address(), 61000}, bob, dtls_data(9));
  const auto judgement = evidence.judged();
  EXPECT_EQ(find(judgement, "no-bypass")->outcome, Outcome::fail);
}

TEST_F(Expectations, what_was_sent_was_attempted) {
  evidence.udp(ms(500), "alice.eth0", true, alice, bob, dtls_data(8));
  expect(model::ExpectAttempted{"office", {.protocol = model::Protocol::udp}});
  EXPECT_EQ(only().outcome, Outcome::pass);
}
TEST_F(Expectations, what_was_not_sent_was_not_attempted) {
  Tcp(evidence, "alice.eth0", alice, bob).open(ms(500));
  expect(model::ExpectAttempted{"office", {.protocol = model::Protocol::udp}});
  EXPECT_EQ(only().reason, "no client of office sent { protocol: udp }");
}
TEST_F(Expectations, what_the_lab_sent_before_the_client_began_is_nobodys_attempt_and_nobodys_bypass) {
  evidence.udp(ms(20), "alice.eth0", true, alice, bob, dtls_data(8));
  evidence.udp(ms(21), "office.border", true, alice, bob, dtls_data(8));
  evidence.event(ms(50), model::Source::lab, "alice", "client-started");
  expect(model::ExpectAttempted{"office", {.protocol = model::Protocol::udp}});
  evidence.scenario.expectations.push_back({model::ExpectNoBypass{"office"}, 21});
  const auto judgement = evidence.judged();
  EXPECT_EQ(find(judgement, "attempted")->outcome, Outcome::fail);
  EXPECT_EQ(find(judgement, "no-bypass")->outcome, Outcome::pass);
}
TEST_F(Expectations, a_question_to_the_sites_own_resolver_is_no_attempt) {
  evidence.udp(ms(500), "alice.eth0", true, alice, Endpoint{*parse_address("10.20.0.1"), 53}, Bytes(20));
  expect(model::ExpectAttempted{"office", {.protocol = model::Protocol::udp}});
  EXPECT_EQ(only().outcome, Outcome::fail);
}

TEST_F(Expectations, silence_is_unanswered) {
  evidence.udp(ms(500), "alice.eth0", true, alice, world("turn.crype.test", 3478), stun({}));
  expect(model::ExpectUnanswered{"office", {.protocol = model::Protocol::udp, .ports = {{3478, 3478}}}});
  EXPECT_EQ(only().outcome, Outcome::pass);
}
TEST_F(Expectations, an_answer_is_not) {
  evidence.udp(ms(500), "alice.eth0", true, alice, world("turn.crype.test", 3478), stun({}));
  evidence.udp(ms(510), "alice.eth0", false, alice, world("turn.crype.test", 3478),
               stun({.message_class = wire::StunClass::success, .mapped = alice}));
  expect(model::ExpectUnanswered{"office", {.protocol = model::Protocol::udp}});
  EXPECT_EQ(only().outcome, Outcome::fail);
}

TEST(Tunnels, those_that_opened_are_counted) {
  for (const bool opened : {true, false}) {
    auto scenario = two_sites();
    scenario.sites[0].proxies.push_back({});
    scenario.expectations = {{model::ExpectTunnels{"office", 1U, std::nullopt}, 20}};
    Evidence evidence(scenario);
    evidence.hellos();
    Tcp(evidence, "alice.eth0", {evidence.address("alice"), 5000}, {evidence.address("office.proxy"), 3128})
        .open(ms(500))
        .send(ms(501), text("CONNECT signal.crype.test:443 HTTP/1.1\r\n\r\n"))
        .receive(ms(502), text(opened ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"));
    const auto judgement = evidence.judged();
    EXPECT_EQ(find(judgement, "tunnels")->outcome, opened ? Outcome::pass : Outcome::fail);
  }
}

TEST(Tunnels, one_through_socks_is_one) {
  auto scenario = two_sites();
  scenario.sites[0].socks.emplace();
  scenario.expectations = {{model::ExpectTunnels{"office", 1U, 1U}, 20}};
  for (const bool opened : {true, false}) {
    Evidence evidence(scenario);
    evidence.hellos();
    Tcp(evidence, "alice.eth0", {evidence.address("alice"), 5000}, {evidence.address("office.socks"), 1080})
        .open(ms(500))
        .send(ms(501), {5, 1, 0})
        .receive(ms(502), {5, 0})
        .send(ms(503), {5, 1, 0, 1, 192, 0, 2, 1, 1, 187})
        .receive(ms(504), {5, static_cast<std::uint8_t>(opened ? 0 : 2), 0, 1, 0, 0, 0, 0, 0, 0});
    const auto judgement = evidence.judged();
    EXPECT_EQ(find(judgement, "tunnels")->reason, opened ? "1 tunnels" : "0 tunnels");
    EXPECT_EQ(find(judgement, "tunnels")->outcome, opened ? Outcome::pass : Outcome::fail);
  }
}

// Packets do not show what is asked of a proxy over TLS. Squid speaks of a tunnel when it has ended, our own also when
// it opens; that a request was admitted says nothing yet.
TEST(Tunnels, those_of_a_proxy_over_tls_are_those_that_it_says_it_opened_for_clients) {
  auto scenario = two_sites();
  scenario.sites[0].proxies.push_back({});
  scenario.sites[0].proxies[0].tls = model::ServerCertificate{};
  scenario.expectations = {{model::ExpectTunnels{"office", 1U, 1U}, 20}};
  using Kinds = std::vector<const char*>;
  const auto count = [&](Moment at, const Kinds& kinds, std::optional<std::string> from = std::nullopt) {
    Evidence evidence(scenario);
    evidence.hellos();
    evidence.event(ms(50), model::Source::lab, "alice", "client-started");
    for (const auto* kind : kinds)
      evidence.event(at, model::Source::proxy, "office.proxy", kind,
                     {{"client", from.value_or(to_string(Endpoint{evidence.address("alice"), 5000}))},
                      {"method", std::string("CONNECT")}});
    return find(evidence.judged(), "tunnels")->reason;
  };
  EXPECT_EQ(count(ms(500), {"request", "admitted", "tunnel-opened", "tunnel-closed"}), "1 tunnels");
  EXPECT_EQ(count(ms(500), {"request", "admitted", "tunnel-closed"}), "1 tunnels");
  EXPECT_EQ(count(ms(500), {"request", "admitted", "answered"}), "0 tunnels");
  EXPECT_EQ(count(ms(10), {"tunnel-closed"}), "0 tunnels");
  EXPECT_EQ(count(ms(500), {"tunnel-closed"}, "10.20.0.77:5000"), "0 tunnels");
}

TEST_F(Expectations, allocations_that_went_in_time_are_not_left) {
  evidence.event(ms(1000), model::Source::turn, "turn-a", "allocation",
                 {{"session", std::int64_t{1}}, {"user", std::string("9:alice")}});
  evidence.event(ms(5500), model::Source::turn, "turn-a", "delete",
                 {{"session", std::int64_t{1}}, {"user", std::string("9:alice")}});
  ended(ms(5000), ms(9000));
  expect(model::ExpectAllocations{});
  EXPECT_EQ(only().outcome, Outcome::pass);
}
TEST_F(Expectations, an_allocation_that_stays_is_left) {
  evidence.event(ms(1000), model::Source::turn, "turn-a", "allocation",
                 {{"session", std::int64_t{1}}, {"user", std::string("9:alice")}});
  ended(ms(5000), ms(9000));
  expect(model::ExpectAllocations{});
  EXPECT_EQ(only().outcome, Outcome::fail);
}
TEST_F(Expectations, a_lab_that_ended_at_once_did_not_see_allocations_go) {
  evidence.event(ms(1000), model::Source::turn, "turn-a", "allocation",
                 {{"session", std::int64_t{1}}, {"user", std::string("9:alice")}});
  ended(ms(5000), ms(5100));
  expect(model::ExpectAllocations{});
  EXPECT_EQ(only().outcome, Outcome::inconclusive);
}

TEST_F(Expectations, a_network_that_measures_otherwise_makes_everything_inconclusive) {
  expect(model::ExpectConnected{});  // which fails
  evidence.event(ms(10), model::Source::measurement, "office", "row",
                 {{"what", std::string("udp 3478")},
                  {"declared", std::string("drop")},
                  {"measured", std::string("passes")},
                  {"agrees", false}});
  const auto judgement = evidence.judged();
  EXPECT_EQ(judgement.outcome, Outcome::inconclusive);
  EXPECT_EQ(judgement.why, "office: udp 3478: declared drop, measured passes");
}
TEST_F(Expectations, a_dead_service_makes_everything_inconclusive) {
  expect(model::ExpectConnected{});
  evidence.attempt.casualties = {"turn-a died"};
  EXPECT_EQ(evidence.judged().outcome, Outcome::inconclusive);
}
TEST_F(Expectations, what_expects_nothing_proves_nothing) {
  EXPECT_EQ(evidence.judged().outcome, Outcome::inconclusive);
}

TEST_F(Expectations, exit_status_127_is_unsupported_and_never_a_failure) {
  expect(model::ExpectConnected{});
  evidence.event(ms(4000), model::Source::lab, "alice", "client-ended", {{"exit", std::int64_t{127}}});
  EXPECT_EQ(evidence.judged().outcome, Outcome::unsupported);
}
TEST_F(Expectations, a_feature_that_a_client_says_it_lacks_is_unsupported_unless_it_is_required) {
  for (const bool required : {false, true}) {
    Evidence one(with_egress());
    one.hellos();
    one.scenario.expectations = {{model::ExpectPath{"alice", {model::PathClass::relay_tls}, std::nullopt}, 20}};
    one.attempt.parties[0].features = {"turn-tcp"};
    Options options;
    if (required) options.required = {"turn-tls"};
    EXPECT_EQ(one.judged(options).outcome, required ? Outcome::fail : Outcome::unsupported);
  }
}
TEST_F(Expectations, what_a_client_does_against_the_rules_no_missing_feature_excuses) {
  auto scenario = two_sites();
  scenario.sites[0].proxies.push_back({});
  scenario.sites[0].proxies[0].auth = {model::AuthScheme::ntlm};
  scenario.expectations = {{model::ExpectNoBypass{"office"}, 20}, {model::ExpectConnected{}, 21}};
  for (const bool by_status : {false, true}) {
    Evidence one(scenario);
    one.hellos();
    one.attempt.parties[0].features = {"turn-tls"};
    if (by_status) one.event(ms(4000), model::Source::lab, "alice", "client-ended", {{"exit", std::int64_t{127}}});
    one.udp(ms(500), "alice.eth0", true, {one.address("alice"), 5000}, bob, dtls_data(8));
    one.udp(ms(501), "office.border", true, {one.public_address(), 5000}, bob, dtls_data(8));
    const auto judgement = one.judged();
    EXPECT_EQ(find(judgement, "no-bypass")->outcome, Outcome::fail);
    EXPECT_EQ(find(judgement, "connected")->outcome, Outcome::unsupported);
    EXPECT_EQ(judgement.outcome, Outcome::fail);
  }
}
TEST_F(Expectations, who_asks_no_proxy_needs_none_of_its_schemes) {
  auto scenario = two_sites();
  scenario.sites[0].proxies.push_back({});
  scenario.sites[0].proxies[0].auth = {model::AuthScheme::ntlm};
  scenario.expectations = {{model::ExpectConnected{}, 20}};
  const auto outcome = [&](model::App app, model::ProxyMode mode, const std::string& rules = "") {
    auto asked = scenario;
    asked.clients[0].job.app = app;
    asked.clients[0].job.proxy.mode = mode;
    asked.clients[0].job.proxy.rules = rules;
    Evidence one(asked);
    one.hellos();
    one.attempt.parties[0].features = {"turn-tls"};
    return find(one.judged(), "connected")->outcome;
  };
  EXPECT_EQ(outcome(model::App::browser, model::ProxyMode::system), Outcome::unsupported);
  EXPECT_EQ(outcome(model::App::desktop, model::ProxyMode::fixed_servers, "http://proxy.office.test:3128"),
            Outcome::unsupported);
  EXPECT_EQ(outcome(model::App::desktop, model::ProxyMode::fixed_servers, "http://proxy.elsewhere.test:3128"),
            Outcome::fail);
  EXPECT_EQ(outcome(model::App::desktop, model::ProxyMode::direct), Outcome::fail);
  EXPECT_EQ(outcome(model::App::desktop_unconfigured, model::ProxyMode::system), Outcome::fail);
}
TEST_F(Expectations, a_crash_is_told_by_its_name) {
  connected();
  expect(model::ExpectConnected{});
  evidence.event(ms(9000), model::Source::lab, "alice", "client-ended", {{"signal", std::int64_t{11}}});
  const auto judgement = evidence.judged();
  EXPECT_EQ(find(judgement, "client-crashed", "alice")->reason, "alice was ended by signal 11");
  EXPECT_EQ(judgement.outcome, Outcome::fail);
}
TEST_F(Expectations, garbage_floods_and_a_wrong_answer_to_an_unknown_task_break_the_contract) {
  for (const auto& [kind, field] : std::vector<std::pair<std::string, std::string>>{
           {"client-garbage", "why"}, {"client-flood", "lines"}, {"client-long-line", "bytes"}, {"probe", "exit"}}) {
    Evidence one(with_egress());
    one.hellos();
    one.event(ms(10), model::Source::lab, "alice", kind, {{field, std::int64_t{0}}});
    const auto judgement = one.judged();
    EXPECT_NE(find(judgement, "contract", "alice"), nullptr) << kind;
  }
}

TEST_F(Expectations, a_secret_among_what_a_client_tells_is_a_breach) {
  evidence.client(
      ms(500), "alice", "problem",
      {{"code", std::string("X")}, {"detail", std::string("password [secret:office.proxy/alice] is wrong")}});
  const auto judgement = evidence.judged();
  ASSERT_NE(find(judgement, "secrets", "alice"), nullptr);
  EXPECT_EQ(find(judgement, "secrets", "alice")->reason,
            "alice told [secret:office.proxy/alice] in 'detail' of problem");
}
TEST(Secrets, a_proxys_password_may_go_to_the_proxy_and_nowhere_else) {
  for (const bool to_proxy : {true, false}) {
    auto scenario = two_sites();
    scenario.sites[0].proxies.push_back({});
    Evidence evidence(scenario);
    const Endpoint far = to_proxy ? Endpoint{evidence.address("office.proxy"), 3128} : world("signal.crype.test", 80);
    evidence.event(ms(5), model::Source::lab, "alice.eth0", "secret-seen",
                   {{"secret", std::string("office.proxy/alice")},
                    {"from", std::string("10.20.0.2:5000")},
                    {"to", to_string(far)}});
    const auto judgement = evidence.judged();
    EXPECT_EQ(find(judgement, "secrets") == nullptr, to_proxy);
  }
}

TEST_F(Expectations, a_dropped_datagram_is_explained_by_the_rule_and_its_counter) {
  evidence.udp(ms(500), "alice.eth0", true, alice, world("turn.crype.test", 3478),
               stun({.method = wire::StunMethod::allocate, .transport = true}));
  evidence.event(ms(9000), model::Source::rule, "office.edge", "counter",
                 {{"name", std::string("egress_1_out")}, {"packets", std::int64_t{14}}});
  expect(model::ExpectConnected{});
  const auto judgement = evidence.judged();
  EXPECT_NE(judgement.why.find("turn.crype.test:3478: no answer to 1 datagrams in 0 ms (office egress 1: drop { "
                               "protocol: udp } (line 12), 14 packets)"),
            std::string::npos)
      << judgement.why;
}
// Steps are counted from when clients start, the lab's clock from when it was up.
TEST_F(Expectations, the_rule_in_force_is_that_of_the_last_step_that_had_happened) {
  for (const bool later : {false, true}) {
    auto scenario = with_egress();
    scenario.steps.push_back(
        {std::chrono::milliseconds(100),
         model::ChangeEgress{"office", {{model::Reject{}, {.protocol = model::Protocol::udp}, 30}}}});
    scenario.expectations = {{model::ExpectConnected{}, 20}};
    Evidence one(scenario);
    one.hellos();
    one.event(ms(3100), model::Source::lab, "lab", "step", {{"what", std::string("office: egress changes")}});
    one.udp(later ? ms(3200) : ms(500), "alice.eth0", true, alice, world("turn.crype.test", 3478),
            stun({.method = wire::StunMethod::allocate, .transport = true}));
    for (const auto* name : {"egress_1_out", "egress_2_1_out"})
      one.event(ms(9000), model::Source::rule, "office.edge", "counter",
                {{"name", std::string(name)}, {"packets", std::int64_t{14}}});
    const auto why = one.judged().why;
    EXPECT_EQ(why.find("(line 12)") != std::string::npos, !later) << why;
    EXPECT_EQ(why.find("(line 30)") != std::string::npos, later) << why;
  }
}
TEST_F(Expectations, a_certificate_that_was_refused_is_the_cause) {
  Tcp tcp(evidence, "alice.eth0", alice, world("turns.crype.test", 443));
  tcp.open(ms(500)).send(ms(501), client_hello("turns.crype.test")).receive(ms(502), tls_record(22, 60, 2));
  auto alert = tls_record(21, 2, 2);
  alert.back() = 48;
  tcp.send(ms(503), alert);
  expect(model::ExpectConnected{});
  const auto judgement = evidence.judged();
  EXPECT_NE(judgement.why.find("relay-tls: turns.crype.test:443: the client refused the certificate (unknown_ca)"),
            std::string::npos)
      << judgement.why;
}
TEST_F(Expectations, an_error_of_the_relay_is_the_cause) {
  evidence.udp(ms(500), "alice.eth0", true, alice, world("turn.crype.test", 3478),
               stun({.method = wire::StunMethod::allocate, .transport = true}));
  evidence.udp(ms(510), "alice.eth0", false, alice, world("turn.crype.test", 3478),
               stun({.message_class = wire::StunClass::error, .method = wire::StunMethod::allocate, .error = 486}));
  expect(model::ExpectConnected{});
  EXPECT_NE(evidence.judged().why.find("the relay answered 486 to Allocate"), std::string::npos);
}

TEST_F(Expectations, the_same_evidence_gives_the_same_judgement) {
  connected();
  expect(model::ExpectConnected{});
  const auto whole = evidence.finish();
  EXPECT_EQ(judge(evidence.scenario, whole), judge(evidence.scenario, whole));
}

}  // namespace
}  // namespace crypelab::judge::expectations_test
