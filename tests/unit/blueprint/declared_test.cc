#include "harness/blueprint/declared.h"

#include "harness/model/world.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace crypelab::blueprint::declared_test {
namespace {

using namespace std::chrono_literals;
using measure::Outcome;

model::Scenario one_site(model::Site site) {
  site.name = "office";
  if (!site.subnet4 && !site.subnet6) site.subnet4 = *parse_prefix("10.20.0.0/24");
  model::Scenario scenario;
  scenario.sites = {std::move(site)};
  scenario.clients = {{"alice", {"office"}, {}}};
  return scenario;
}

model::EgressRule rule(model::Action action, model::Match match = {}) { return {std::move(action), std::move(match)}; }

const Declaration* find(const std::vector<Declaration>& all, const std::string& what) {
  const auto found = std::ranges::find(all, what, &Declaration::what);
  return found == all.end() ? nullptr : &*found;
}

std::vector<Outcome> outcomes(const std::vector<Declaration>& all, const std::string& what) {
  const auto* found = find(all, what);
  return found == nullptr ? std::vector<Outcome>{} : std::get<ExpectReach>(found->expected).any_of;
}

TEST(declared, the_first_rule_that_matches_decides_what_a_port_answers) {
  model::Site site;
  site.egress = {
      {rule(model::Allow{}, {.protocol = model::Protocol::udp, .ports = {{3478, 3479}}}),
       rule(model::Drop{}, {.protocol = model::Protocol::udp}),
       rule(model::Reset{}, {.protocol = model::Protocol::tcp, .ports = {{443, 443}}}),
       rule(model::Reject{model::Unreachable::host}, {.protocol = model::Protocol::tcp, .ports = {{80, 80}}})}};
  const auto all = declare(one_site(site), Form::quick);
  EXPECT_EQ(outcomes(all, "udp 3478 to 198.51.100.90"), std::vector{Outcome::answered});
  EXPECT_EQ(outcomes(all, "udp 443 to 198.51.100.90"), std::vector{Outcome::silent});
  EXPECT_EQ(outcomes(all, "tcp 443 to 198.51.100.90"), std::vector{Outcome::refused});
  EXPECT_EQ(outcomes(all, "tcp 80 to 198.51.100.90"), std::vector{Outcome::host_unreachable});
  EXPECT_EQ(outcomes(all, "tcp 5349 to 198.51.100.90"), std::vector{Outcome::silent});  // no rule matches
}

TEST(declared, a_gate_is_asked_by_every_opening_that_it_judges) {
  model::Site site;
  const model::FirstBytes gate{
      .sni = {"*.crype.test"}, .alpn = {"h2"}, .otherwise = model::FirstBytes::Otherwise::reset};
  site.egress = {rule(gate, {.protocol = model::Protocol::tcp, .ports = {{443, 443}}}), rule(model::Allow{})};
  const auto all = declare(one_site(site), Form::quick);
  const std::string to = "tcp 443 to 198.51.100.90";
  EXPECT_EQ(outcomes(all, to), std::vector{Outcome::reset});
  EXPECT_EQ(outcomes(all, to + ", HTTP"), std::vector{Outcome::reset});
  EXPECT_EQ(outcomes(all, to + ", TLS"), std::vector{Outcome::answered});
  EXPECT_EQ(outcomes(all, to + ", TLS to another name"), std::vector{Outcome::reset});
  EXPECT_EQ(outcomes(all, to + ", TLS without a name"), std::vector{Outcome::reset});
  EXPECT_EQ(outcomes(all, to + ", TLS of another protocol"), std::vector{Outcome::reset});
  EXPECT_EQ(outcomes(all, "udp 443 to 198.51.100.90"), std::vector{Outcome::answered});
}

TEST(declared, a_silent_gate_lets_the_handshake_pass_and_a_slow_one_the_question_too) {
  model::Site site;
  site.egress = {rule(model::FirstBytes{}, {.protocol = model::Protocol::tcp, .ports = {{443, 443}}}),
                 rule(model::FirstBytes{.after = ByteCount{16'000}}, {.protocol = model::Protocol::tcp})};
  const auto all = declare(one_site(site), Form::quick);
  EXPECT_EQ(outcomes(all, "tcp 443 to 198.51.100.90"), std::vector{Outcome::accepted});
  EXPECT_EQ(outcomes(all, "tcp 80 to 198.51.100.90"), std::vector{Outcome::answered});
}

TEST(declared, silence_names_the_counter_that_proves_it) {
  model::Site site;
  site.egress = {{rule(model::Drop{}, {.protocol = model::Protocol::udp})}};
  const auto all = declare(one_site(site), Form::quick);
  EXPECT_EQ(find(all, "udp 443 to 198.51.100.90")->counter, (CounterName{"office.edge", "egress_1_out"}));
  EXPECT_EQ(find(all, "tcp 443 to 198.51.100.90")->counter, (CounterName{"office.edge", "egress_default_out"}));
}

TEST(declared, the_edges_of_a_port_range_are_asked_about_and_listened_to) {
  model::Site site;
  site.egress = {{rule(model::Allow{}, {.protocol = model::Protocol::udp, .ports = {{50000, 50100}}})}};
  const auto scenario = one_site(site);
  const auto all = declare(scenario, Form::quick);
  EXPECT_EQ(outcomes(all, "udp 50000 to 198.51.100.90"), std::vector{Outcome::answered});
  EXPECT_EQ(outcomes(all, "udp 50100 to 198.51.100.90"), std::vector{Outcome::answered});
  const auto words = reflector_arguments(scenario);
  EXPECT_NE(std::ranges::find(words, "50100"), words.end());
}

TEST(declared, behind_two_nats_the_stricter_one_shows) {
  model::Site site;
  site.nat = model::Nat{};
  site.carrier = model::Nat{.mapping = model::Dependence::address_and_port, .ports = model::PortAssignment::random};
  const auto all = declare(one_site(site), Form::quick);
  const auto mapping = std::get<ExpectMapping>(find(all, "NAT mapping")->expected);
  EXPECT_EQ(mapping.mapping, measure::Dependence::address_and_port);
  EXPECT_EQ(mapping.ports, measure::PortChoice::random);
  EXPECT_EQ(std::get<ExpectFiltering>(find(all, "NAT filtering")->expected).filtering,
            measure::Dependence::address_and_port);
}

TEST(declared, what_the_rules_forbid_to_measure_is_not_asked) {
  model::Site site;
  site.nat = model::Nat{};
  site.egress = {{rule(model::Allow{}, {.protocol = model::Protocol::udp, .ports = {{3478, 3478}}})}};
  EXPECT_EQ(find(declare(one_site(site), Form::full), "NAT mapping"), nullptr);
}

TEST(declared, the_full_form_asks_for_the_rest_one_after_another) {
  model::Site site;
  site.nat = model::Nat{};
  site.uplink.up.rate = BitRate{2'000'000};
  const auto all = declare(one_site(site), Form::full);
  const auto* train = find(all, "loss, delay, order");
  ASSERT_TRUE(train && find(all, "rate up") && find(all, "path MTU down") && find(all, "NAT UDP timer"));
  EXPECT_EQ(find(all, "rate down"), nullptr);
  EXPECT_TRUE(train->question.after.empty());
  EXPECT_EQ(find(all, "path MTU up")->question.after, std::vector{train->question.id});
}

// --- comparison ------------------------------------------------------------------------------------------------------

// Compares one declaration of the scenario with one finding.
Row row(const model::Scenario& scenario, const std::string& what, measure::Finding finding, Measured measured = {}) {
  const auto all = declare(scenario, Form::full);
  const auto* declaration = find(all, what);
  if (declaration == nullptr) return {.note = "not asked"};
  measured.answers["alice"][declaration->question.id] = {declaration->question.id, 1ms, std::move(finding)};
  return compare({*declaration}, measured).at(0);
}

TEST(compare, a_drop_agrees_only_with_its_counter_and_a_silent_far_side) {
  model::Site site;
  site.egress = {{rule(model::Drop{}, {.protocol = model::Protocol::udp})}};
  const auto scenario = one_site(site);
  const std::string what = "udp 443 to 198.51.100.90";
  const measure::Reached silent{Outcome::silent, {}, {}, {}};
  Measured counted;
  counted.counted[{"office.edge", "egress_1_out"}] = 1;
  EXPECT_TRUE(row(scenario, what, silent, counted).agrees);
  EXPECT_FALSE(row(scenario, what, silent).agrees);
  EXPECT_FALSE(row(scenario, what, measure::Reached{Outcome::answered, {}, {}, {}}, counted).agrees);
  auto leaked = counted;
  const auto all = declare(scenario, Form::full);
  leaked.far_side = {std::get<measure::Reach>(find(all, what)->question.ask).token};
  EXPECT_FALSE(row(scenario, what, silent, leaked).agrees);
}

TEST(compare, an_unanswered_question_does_not_agree) {
  const auto all = declare(one_site({}), Form::quick);
  for (const auto& result : compare(all, {})) EXPECT_FALSE(result.agrees) << result.what;
}

TEST(compare, another_nat_than_the_declared_one_disagrees) {
  model::Site site;
  site.nat = model::Nat{};
  const auto scenario = one_site(site);
  const auto external = Endpoint{model::site_public_v4(0), 5};
  measure::Mapped mapped{Endpoint{*parse_address("10.20.0.2"), 5}, external, true,
                         measure::Dependence::endpoint_independent, measure::PortChoice::preserved};
  EXPECT_TRUE(row(scenario, "NAT mapping", mapped).agrees);
  auto other = mapped;
  other.mapping = measure::Dependence::address;
  EXPECT_FALSE(row(scenario, "NAT mapping", other).agrees);
  other = mapped;
  other.ports = measure::PortChoice::random;
  EXPECT_FALSE(row(scenario, "NAT mapping", other).agrees);
  other = mapped;
  other.nat = false;
  EXPECT_FALSE(row(scenario, "NAT mapping", other).agrees);
  other = mapped;
  other.external->address = Address::v4(1);
  EXPECT_FALSE(row(scenario, "NAT mapping", other).agrees);

  using measure::Dependence;
  EXPECT_TRUE(row(scenario, "NAT filtering", measure::Filtered{true, Dependence::address_and_port}).agrees);
  EXPECT_FALSE(row(scenario, "NAT filtering", measure::Filtered{true, Dependence::endpoint_independent}).agrees);
  EXPECT_TRUE(row(scenario, "NAT hairpin", measure::Hairpinned{false, {}}).agrees);
  EXPECT_FALSE(row(scenario, "NAT hairpin", measure::Hairpinned{true, {}}).agrees);
  EXPECT_FALSE(row(scenario, "NAT hairpin", measure::Hairpinned{}).agrees);
}

TEST(compare, a_timer_lies_between_the_two_silences) {
  model::Site site;
  site.nat = model::Nat{.udp_timer = 30s};
  const auto scenario = one_site(site);
  EXPECT_TRUE(row(scenario, "NAT UDP timer", measure::Lived{true, 26s, 31s}).agrees);
  EXPECT_FALSE(row(scenario, "NAT UDP timer", measure::Lived{true, 35s, 40s}).agrees);
  EXPECT_FALSE(row(scenario, "NAT UDP timer", measure::Lived{true, 10s, 15s}).agrees);
  EXPECT_FALSE(row(scenario, "NAT UDP timer", measure::Lived{true, 45s, {}}).agrees);
  EXPECT_FALSE(row(scenario, "NAT UDP timer", measure::Lived{}).agrees);
}

measure::Trained trained(std::uint32_t sent, std::uint32_t lost, Duration rtt = 20ms) {
  measure::Trained found;
  found.complete = true;
  found.up.sent = found.down.sent = found.down.received = sent;
  for (std::uint32_t i = 1; i <= lost; ++i) found.up.lost.push_back(i * 7);
  found.rtt_min = found.rtt_p50 = rtt;
  return found;
}

TEST(compare, five_percent_lost_is_not_one_percent) {
  model::Site site;
  site.uplink.up.loss = model::RandomLoss{Ratio{10'000}};
  site.uplink.up.delay = site.uplink.down.delay = 10ms;
  const auto scenario = one_site(site);
  EXPECT_TRUE(row(scenario, "loss, delay, order", trained(4000, 41)).agrees);
  EXPECT_TRUE(row(scenario, "loss, delay, order", trained(4000, 60)).agrees);
  EXPECT_FALSE(row(scenario, "loss, delay, order", trained(4000, 200)).agrees);
  EXPECT_FALSE(row(scenario, "loss, delay, order", trained(4000, 0)).agrees);
  EXPECT_FALSE(row(scenario, "loss, delay, order", trained(4000, 41, 40ms)).agrees);
  EXPECT_FALSE(row(scenario, "loss, delay, order", trained(4000, 41, 5ms)).agrees);
  EXPECT_FALSE(row(one_site({}), "loss, delay, order", trained(400, 20, 0ms)).agrees);
}

TEST(compare, a_list_of_lost_packets_may_be_shifted_but_not_changed) {
  model::Site site;
  site.uplink.up.loss = model::PacketListLoss{{3, 17, 30}};
  const auto scenario = one_site(site);
  auto found = trained(100, 0, 0ms);
  found.up.lost = {1, 15, 28};
  EXPECT_TRUE(row(scenario, "loss, delay, order", found).agrees);
  found.up.lost = {1, 15, 29};
  EXPECT_FALSE(row(scenario, "loss, delay, order", found).agrees);
}

TEST(compare, rate_and_mtu_have_their_limits) {
  model::Site site;
  site.uplink.up.rate = BitRate{2'000'000};
  site.uplink.mtu = 1400;
  site.uplink.too_big = false;
  const auto scenario = one_site(site);
  EXPECT_TRUE(row(scenario, "rate up", measure::Rated{true, {1'800'000}, {1'950'000}, 1, 1}).agrees);
  EXPECT_FALSE(row(scenario, "rate up", measure::Rated{true, {2'800'000}, {3'000'000}, 1, 1}).agrees);
  EXPECT_FALSE(row(scenario, "rate up", measure::Rated{true, {900'000}, {1'000'000}, 1, 1}).agrees);
  EXPECT_TRUE(row(scenario, "path MTU up", measure::PathMtuFound{1400, false, {}}).agrees);
  EXPECT_FALSE(row(scenario, "path MTU up", measure::PathMtuFound{1500, false, {}}).agrees);
  EXPECT_FALSE(row(scenario, "path MTU up", measure::PathMtuFound{1400, true, 1400}).agrees);
}

TEST(compare, a_flow_that_goes_on_is_not_one_that_falls_silent) {
  model::Site site;
  site.egress = {{rule(model::AcceptThenDrop{ByteCount{50'000}, {}}, {.protocol = model::Protocol::udp})}};
  const auto scenario = one_site(site);
  const std::string what = "udp 443 falls silent";
  EXPECT_TRUE(row(scenario, what, measure::Passed{{49'000}, 1s, true, Outcome::answered}).agrees);
  EXPECT_FALSE(row(scenario, what, measure::Passed{{120'000}, 1s, false, Outcome::answered}).agrees);
  EXPECT_FALSE(row(scenario, what, measure::Passed{{20'000}, 1s, true, Outcome::answered}).agrees);
}

TEST(compare, a_proxy_asks_for_what_it_is_declared_to_ask_for) {
  model::Site site;
  site.proxies = {model::Proxy{.auth = {model::AuthScheme::negotiate, model::AuthScheme::basic}}};
  const std::string what = "proxy proxy";
  EXPECT_TRUE(row(one_site(site), what, measure::Challenged{Outcome::answered, 407, {"negotiate", "basic"}}).agrees);
  EXPECT_FALSE(row(one_site(site), what, measure::Challenged{Outcome::answered, 407, {"basic"}}).agrees);
  EXPECT_FALSE(row(one_site(site), what, measure::Challenged{Outcome::answered, 200, {}}).agrees);
  EXPECT_FALSE(row(one_site(site), what, measure::Challenged{Outcome::refused, 0, {}}).agrees);
  site.proxies = {model::Proxy{.connect_ports = {{1, 65535}}}};
  EXPECT_TRUE(row(one_site(site), what, measure::Challenged{Outcome::answered, 500, {}}).agrees);
  EXPECT_FALSE(row(one_site(site), what, measure::Challenged{Outcome::answered, 407, {"basic"}}).agrees);
  site.proxies = {model::Proxy{.connect_ports = {{443, 443}}}};
  EXPECT_TRUE(row(one_site(site), what, measure::Challenged{Outcome::answered, 403, {}}).agrees);
  EXPECT_FALSE(row(one_site(site), what, measure::Challenged{Outcome::answered, 500, {}}).agrees);
}

TEST(compare, names_and_what_the_resolver_does_with_them) {
  model::Site site;
  const std::string a = "DNS A of reflector.crype.test";
  const auto good = measure::Resolved{measure::DnsOutcome::addresses, {*parse_address("198.51.100.90")}, {}};
  const auto servfail = measure::Resolved{measure::DnsOutcome::servfail, {}, {}};
  EXPECT_TRUE(row(one_site(site), a, good).agrees);
  EXPECT_FALSE(row(one_site(site), a, servfail).agrees);
  EXPECT_FALSE(row(one_site(site), a, measure::Resolved{measure::DnsOutcome::addresses, {Address::v4(9)}, {}}).agrees);
  site.dns.answers = model::Answers::servfail;
  EXPECT_FALSE(row(one_site(site), a, good).agrees);
  EXPECT_TRUE(row(one_site(site), a, servfail).agrees);
  site.dns = {.delay = 50ms};
  EXPECT_FALSE(row(one_site(site), a, good).agrees);  // it came after 1 ms
}

}  // namespace
}  // namespace crypelab::blueprint::declared_test
