#include "harness/scenario/loader.h"

#include "harness/model/world.h"

#include <gtest/gtest.h>

namespace crypelab::scenario::loader_test {
namespace {

// `sites`, `clients` and more, under a head that is right.
Loaded with_body(const std::string& body) { return parse("scenario: test/one\ntitle: A test\n" + body, "test.yaml"); }

Loaded with_site(const std::string& site) {
  return with_body("sites:\n  office: " + site + "\nclients:\n  alice: {site: office}\n");
}

model::Site site_of(const std::string& site) {
  const auto loaded = with_site(site);
  EXPECT_EQ(to_string(loaded.problems), "");
  return loaded.ok() ? loaded.scenarios.at(0).sites.at(0) : model::Site{};
}

std::string problems_of(const std::string& site) { return to_string(with_site(site).problems); }

TEST(Loader, fifteen_lines_say_a_network) {
  const auto loaded = parse(R"(scenario: udp/s11
title: All UDP is dropped
proves: >
  A client whose UDP is swallowed
  reaches its peer over TCP.
references: [pion/ice#1036, RFC 8835 §3.4]
tier: nightly
sites:
  office:
    subnet: [10.20.0.0/24, "2001:db8:20::/64"]
    uplink: {delay: 10ms, rate: 50mbit, down: {rate: 100mbit}}
    egress: [{drop: {protocol: udp}}, {allow: {}}]
  home: {nat: {filtering: address}}
clients:
  alice: {site: office}
  bob: {site: home}
)",
                            "s11.yaml");
  ASSERT_EQ(to_string(loaded.problems), "");
  ASSERT_EQ(loaded.scenarios.size(), 1u);
  const auto& scenario = loaded.scenarios[0];
  EXPECT_EQ(scenario.name, "udp/s11");
  EXPECT_EQ(scenario.title, "All UDP is dropped");
  EXPECT_EQ(scenario.proves, "A client whose UDP is swallowed reaches its peer over TCP.");
  EXPECT_EQ(scenario.references, (std::vector<std::string>{"pion/ice#1036", "RFC 8835 §3.4"}));
  EXPECT_EQ(scenario.tier, model::Tier::nightly);
  EXPECT_EQ(scenario.file, "s11.yaml");
  const auto& office = scenario.sites.at(0);
  EXPECT_EQ(to_string(*office.subnet4), "10.20.0.0/24");
  EXPECT_EQ(to_string(*office.subnet6), "2001:db8:20::/64");
  EXPECT_EQ(office.uplink.up.delay, std::chrono::milliseconds(10));
  EXPECT_EQ(office.uplink.down.delay, std::chrono::milliseconds(10));
  EXPECT_EQ(office.uplink.up.rate, BitRate{50'000'000});
  EXPECT_EQ(office.uplink.down.rate, BitRate{100'000'000});
  EXPECT_FALSE(office.nat);
  ASSERT_TRUE(office.egress);
  ASSERT_EQ(office.egress->size(), 2u);
  EXPECT_EQ(office.egress->at(0).action, model::Action(model::Drop{}));
  EXPECT_EQ(office.egress->at(0).match.protocol, model::Protocol::udp);
  EXPECT_EQ(office.egress->at(0).line, 12u);
  EXPECT_EQ(office.egress->at(1).match, model::Match{});
  const auto& home = scenario.sites.at(1);
  ASSERT_TRUE(home.nat);
  EXPECT_EQ(home.nat->filtering, model::Dependence::address);
  EXPECT_FALSE(home.egress);
  EXPECT_EQ(home.subnet4, model::site_default_subnet_v4(1, true));
  EXPECT_EQ(scenario.clients.at(1).sites, std::vector<std::string>{"home"});
}

TEST(Loader, every_axis_of_a_nat_is_read) {
  const auto site = site_of(
      "{nat: {mapping: address-and-port, filtering: endpoint-independent, hairpin: true, ports: sequential, udp-timer: "
      "30s, tcp-timer: 5min, rebind: 20s}, carrier: {nat: {mapping: address, ports: random}}}");
  model::Nat nat;
  nat.mapping = model::Dependence::address_and_port;
  nat.filtering = model::Dependence::endpoint_independent;
  nat.hairpin = true;
  nat.ports = model::PortAssignment::sequential;
  nat.udp_timer = std::chrono::seconds(30);
  nat.tcp_timer = std::chrono::minutes(5);
  nat.rebind = std::chrono::seconds(20);
  EXPECT_EQ(site.nat, nat);
  model::Nat carrier;
  carrier.mapping = model::Dependence::address;
  carrier.ports = model::PortAssignment::random;
  EXPECT_EQ(site.carrier, carrier);
}

TEST(Loader, every_form_of_loss_is_read) {
  EXPECT_EQ(site_of("{uplink: {loss: 1%}}").uplink.up.loss, model::Loss(model::RandomLoss{Ratio{10'000}, 1}));
  EXPECT_EQ(site_of("{uplink: {loss: 0%}}").uplink.up.loss, model::Loss());
  EXPECT_EQ(site_of("{uplink: {loss: {share: 1%, seed: 7}}}").uplink.down.loss,
            model::Loss(model::RandomLoss{Ratio{10'000}, 7}));
  EXPECT_EQ(site_of("{uplink: {up: {loss: {share: 5%, burst: 8, seed: 7}}}}").uplink.up.loss,
            model::Loss(model::BurstLoss{Ratio{50'000}, 8, 7}));
  EXPECT_EQ(site_of("{uplink: {loss: {packets: [17, 3, 20-22, 21]}}}").uplink.up.loss,
            model::Loss(model::PacketListLoss{{3, 17, 20, 21, 22}}));
}

TEST(Loader, every_action_is_read) {
  const auto egress = *site_of(R"({egress: [
      {allow: {protocol: tcp, ports: [80, 1000-2000], to: [203.0.113.7, 10.0.0.0/8]}},
      {reject: {}, with: network}, {reset: {ports: 443}}, {accept-then-drop: {}, after: 16kB},
      {accept-then-drop: {}, after: 3s}, {police: {protocol: udp}, rate: 200kbit}, {lose: {protocol: icmp}, loss: 25%},
      {drop: {domains: ["*.Example.com", turn.crype.test]}}]})")
                           .egress;
  ASSERT_EQ(egress.size(), 8u);
  EXPECT_EQ(egress[0].match.ports, (std::vector<model::PortRange>{{80, 80}, {1000, 2000}}));
  EXPECT_EQ(egress[0].match.to, (std::vector<Prefix>{*parse_prefix("203.0.113.7/32"), *parse_prefix("10.0.0.0/8")}));
  EXPECT_EQ(egress[1].action, model::Action(model::Reject{model::Unreachable::network}));
  EXPECT_EQ(egress[2].action, model::Action(model::Reset{}));
  EXPECT_EQ(egress[2].match.protocol, model::Protocol::tcp);  // nothing else can be reset
  EXPECT_EQ(egress[3].action, model::Action(model::AcceptThenDrop{ByteCount{16'000}, std::nullopt}));
  EXPECT_EQ(egress[4].action, model::Action(model::AcceptThenDrop{std::nullopt, std::chrono::seconds(3)}));
  EXPECT_EQ(egress[5].action, model::Action(model::Police{BitRate{200'000}}));
  EXPECT_EQ(egress[6].action, model::Action(model::Lose{model::RandomLoss{Ratio{250'000}, 1}}));
  EXPECT_EQ(egress[7].match.domains, (std::vector<std::string>{"*.example.com", "turn.crype.test"}));
}

TEST(Loader, no_egress_and_empty_egress_are_two_things) {
  EXPECT_FALSE(site_of("{}").egress);
  EXPECT_TRUE(site_of("{egress: []}").egress);
}

TEST(Loader, a_resolver_is_a_word_or_a_mapping) {
  EXPECT_EQ(site_of("{dns: internal-only}").dns.answers, model::Answers::internal_only);
  const model::Dns dns{model::Answers::servfail, std::chrono::seconds(5), model::Aaaa::silent};
  EXPECT_EQ(site_of("{dns: {answers: servfail, delay: 5s, aaaa: silent}}").dns, dns);
}

TEST(Loader, nat64_needs_ipv6_alone) {
  const auto site = site_of("{subnet: \"2001:db8:1::/64\", nat64: {prefix: \"2001:db8:64::/96\", dns64: false}}");
  EXPECT_EQ(site.nat64, (model::Nat64{*parse_prefix("2001:db8:64::/96"), false}));
  EXPECT_FALSE(site.subnet4);
}

TEST(Loader, the_path_and_isolation_are_read) {
  const auto site = site_of("{isolation: true, uplink: {mtu: 1200, too-big: dropped, jitter: 3ms}}");
  EXPECT_TRUE(site.isolation);
  EXPECT_EQ(site.uplink.mtu, 1200u);
  EXPECT_FALSE(site.uplink.too_big);
  EXPECT_EQ(site.uplink.down.jitter, std::chrono::milliseconds(3));
}

TEST(Loader, a_client_with_two_sites_has_routes) {
  const auto loaded = with_body(R"(
sites: {office: {}, lte: {nat: {}}}
clients:
  alice:
    sites: [office, lte]
    routes: [{to: turn.crype.test, via: lte}, {to: 10.0.0.0/8, via: office}]
)");
  ASSERT_EQ(to_string(loaded.problems), "");
  const auto& alice = loaded.scenarios[0].clients[0];
  EXPECT_EQ(alice.sites, (std::vector<std::string>{"office", "lte"}));
  ASSERT_EQ(alice.routes.size(), 2u);
  EXPECT_EQ(alice.routes[0], (model::ClientRoute{std::string("turn.crype.test"), "lte"}));
  EXPECT_EQ(alice.routes[1], (model::ClientRoute{*parse_prefix("10.0.0.0/8"), "office"}));
}

TEST(Loader, all_complaints_come_in_one_go) {
  const auto problems = with_site("{isolation: yes, uplink: {delay: 20, mtu: 99999}, egres: []}").problems;
  ASSERT_EQ(problems.size(), 4u);
  EXPECT_EQ(problems[0].line, 4u);
  EXPECT_EQ(problems[0].column, 23u);
  EXPECT_EQ(problems[0].hint, "write true");
  EXPECT_EQ(problems[3].hint, "did you mean 'egress'?");
}

TEST(Loader, a_complaint_shows_the_place) {
  EXPECT_EQ(problems_of("{uplink: {delay: 20}}"),
            "test.yaml:4:28: '20' is not a duration\n"
            "      office: {uplink: {delay: 20}}\n"
            "                               ^\n"
            "    write a number with its unit, like 250us, 20ms, 1.5s, 2min or 2h4min (at most 30 days)\n");
}

}  // namespace
}  // namespace crypelab::scenario::loader_test
