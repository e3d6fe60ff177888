#include "harness/base/error.h"
#include "harness/blueprint/blueprint.h"
#include "harness/blueprint/loss_pattern.h"
#include "harness/blueprint/rule_table.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>

#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace crypelab::blueprint::draw_test {
namespace {

model::Scenario two_sites() {
  model::Scenario scenario;
  scenario.name = "two";
  model::Site office;
  office.name = "office";
  office.subnet4 = *parse_prefix("10.20.0.0/24");
  office.subnet6 = *parse_prefix("2001:db8:20::/64");
  office.nat = model::Nat{};
  office.carrier = model::Nat{};
  model::Site home;
  home.name = "home";
  home.subnet4 = *parse_prefix("198.19.9.0/24");
  scenario.sites = {office, home};
  scenario.clients.push_back({"alice", {"office", "home"}, {{std::string("turn.crype.test"), "home"}}});
  scenario.clients.push_back({"bob", {"home"}, {}});
  return scenario;
}

const Route* route_to(const Host& host, const std::string& to, unsigned table = 254) {
  const auto found = std::ranges::find_if(
      host.routes, [&](const Route& route) { return to_string(route.to) == to && route.table == table; });
  return found == host.routes.end() ? nullptr : &*found;
}

TEST(draw, gives_the_same_for_the_same) { EXPECT_EQ(draw(two_sites()), draw(two_sites())); }

TEST(draw, every_end_of_every_cable_is_an_interface) {
  const auto drawn = draw(two_sites());
  std::set<std::pair<std::string, std::string>> used;
  for (const auto& cable : drawn.cables) {
    for (const auto& end : {cable.a, cable.b}) {
      const auto* host = find_host(drawn, end.host);
      ASSERT_NE(host, nullptr) << end.host;
      EXPECT_EQ(std::ranges::count(host->interfaces, end.interface, &Interface::name), 1);
      EXPECT_LE(end.interface.size(), 15U) << "IFNAMSIZ";
      EXPECT_TRUE(used.emplace(end.host, end.interface).second) << "two cables in one socket";
    }
  }
}

TEST(draw, a_client_of_two_sites_leaves_by_the_address_that_it_sends_from) {
  const auto drawn = draw(two_sites());
  const auto& alice = *find_host(drawn, "alice");
  ASSERT_EQ(alice.interfaces.size(), 2U);
  EXPECT_EQ(to_string(alice.interfaces[0].addresses[0]), "10.20.0.10/24");
  EXPECT_EQ(to_string(alice.interfaces[1].addresses[0]), "198.19.9.10/24");
  ASSERT_NE(route_to(alice, "0.0.0.0/0"), nullptr);
  EXPECT_EQ(route_to(alice, "0.0.0.0/0")->device, "eth0") << "the first site holds the default route";
  ASSERT_NE(route_to(alice, "0.0.0.0/0", 101), nullptr);
  EXPECT_EQ(route_to(alice, "0.0.0.0/0", 101)->device, "eth1");
  ASSERT_NE(route_to(alice, "203.0.113.20/32"), nullptr);
  EXPECT_EQ(route_to(alice, "203.0.113.20/32")->device, "eth1");
  EXPECT_NE(std::ranges::find(alice.policy_rules, PolicyRule{*parse_prefix("198.19.9.10/32"), 101}),
            alice.policy_rules.end());
}

TEST(draw, the_internet_knows_public_subnets_and_no_private_ones) {
  const auto drawn = draw(two_sites());
  const auto& internet = *find_host(drawn, "internet");
  EXPECT_NE(route_to(internet, "198.19.9.0/24"), nullptr);
  EXPECT_EQ(route_to(internet, "10.20.0.0/24"), nullptr);
  EXPECT_NE(route_to(internet, "2001:db8:20::/64"), nullptr);
}

TEST(draw, delay_at_any_time_makes_the_uplink_a_user_space_link_that_loses_by_itself) {
  auto scenario = two_sites();
  scenario.sites[1].uplink.down.loss = model::RandomLoss{Ratio{10'000}, 1};
  const auto uplink = [](const Blueprint& drawn) {
    return *std::ranges::find(drawn.cables, End{"home.edge", "wan0"}, &Cable::a);
  };
  EXPECT_FALSE(uplink(draw(scenario)).user_space);
  EXPECT_NE(find_host(draw(scenario), "home.edge")->rule_set.find("numgen inc mod 5000"), std::string::npos);
  auto slow = scenario.sites[1].uplink;
  slow.up.delay = std::chrono::milliseconds(10);
  scenario.steps.push_back({std::chrono::seconds(5), model::ChangeUplink{"home", slow}});
  EXPECT_TRUE(uplink(draw(scenario)).user_space);
  EXPECT_EQ(find_host(draw(scenario), "home.edge")->rule_set.find("numgen"), std::string::npos);
}

TEST(draw, every_counter_exists_in_its_rule_set) {
  auto scenario = two_sites();
  scenario.sites[1].egress = {{model::Police{BitRate{1000}}, {}, 3}};
  scenario.steps.push_back({std::chrono::seconds(1), model::ChangeEgress{"home", {{model::Drop{}, {}, 9}}}});
  const auto drawn = draw(scenario);
  for (const auto& counter : drawn.counters) {
    EXPECT_NE(find_host(drawn, counter.host)->rule_set.find("counter " + counter.name + " {"), std::string::npos)
        << counter.name;
  }
  EXPECT_EQ(std::ranges::count(drawn.counters, "egress_1_stopped_out", &Counter::name), 1);
  EXPECT_EQ(std::ranges::count(drawn.counters, "egress_2_1_out", &Counter::name), 1);
}

TEST(draw, renumbering_moves_address_routes_and_flows) {
  auto scenario = two_sites();
  scenario.steps.push_back({std::chrono::seconds(1), model::RenumberSite{"home"}});
  const auto drawn = draw(scenario);
  const auto& changes = drawn.steps.at(0).changes;
  const auto is = [&](const Change& wanted) { return std::ranges::find(changes, wanted) != changes.end(); };
  EXPECT_TRUE(is(
      RenumberInterface{{"home.edge", "wan0"}, {*parse_prefix("198.18.0.66/26")}, {*parse_prefix("198.18.0.67/26")}}));
  EXPECT_TRUE(is(ForgetFlows{"home.edge"}));
  Route inward{*parse_prefix("198.19.9.0/24"), *parse_address("198.18.0.67"), "site1"};
  EXPECT_TRUE(is(AddRoute{"internet", inward}));
}

TEST(draw, a_moving_nat_repeats_two_steps) {
  auto scenario = two_sites();
  scenario.sites[0].nat->rebind = std::chrono::seconds(20);
  const auto drawn = draw(scenario);
  ASSERT_EQ(drawn.steps.size(), 2U);
  EXPECT_EQ(drawn.steps[0].at, std::chrono::seconds(20));
  EXPECT_EQ(drawn.steps[1].at, std::chrono::seconds(40));
  EXPECT_EQ(drawn.steps[0].every, std::chrono::seconds(40));
  // New rules, what was learnt while they were on their way, and only then the flows.
  std::vector<std::string> order;
  for (const auto& change : drawn.steps[0].changes) {
    const auto* rules = std::get_if<LoadRules>(&change);
    if (rules != nullptr && rules->host == "office.edge")
      order.emplace_back(rules->rule_set.find("chain") == std::string::npos ? "empty" : "load");
    if (change == Change(ForgetFlows{"office.edge"})) order.emplace_back("forget");
  }
  EXPECT_EQ(order, (std::vector<std::string>{"load", "empty", "forget"}));
}

TEST(draw, a_nat64_is_a_translator_behind_a_route_and_dns64_a_resolver_of_its_own) {
  auto scenario = two_sites();
  auto& site = scenario.sites[0];
  site.nat64 = model::Nat64{*parse_prefix("2001:db8:64::/96"), true};
  const auto has = [](const Blueprint& drawn, const std::string& name) {
    return std::ranges::find(drawn.processes, name, &services::Process::name) != drawn.processes.end();
  };
  const auto drawn = draw(scenario);
  EXPECT_TRUE(has(drawn, site.name + ".nat64"));
  EXPECT_TRUE(has(drawn, site.name + ".dns64"));
  const auto& routes = find_host(drawn, site.name + ".edge")->tunnel_routes;
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_EQ(to_string(routes[0].to), "2001:db8:64::/96");
  EXPECT_EQ(to_string(routes[1].to), "100.127.0.0/16");
  site.nat64->dns64 = false;
  const auto plain = draw(scenario);
  EXPECT_TRUE(has(plain, site.name + ".nat64"));
  EXPECT_FALSE(has(plain, site.name + ".dns64"));
}

TEST(draw, a_resolver_with_faults_stands_behind_the_program_that_makes_them) {
  auto scenario = two_sites();
  scenario.sites[0].dns.delay = std::chrono::seconds(5);
  const auto drawn = draw(scenario);
  const auto process = [&](const std::string& name) {
    const auto found = std::ranges::find(drawn.processes, name, &services::Process::name);
    return found == drawn.processes.end() ? std::string() : fmt::format("{}", fmt::join(found->argv, " "));
  };
  const auto& site = scenario.sites[0].name;
  EXPECT_NE(process(site + ".resolver").find("--port=5301 --listen-address=127.0.0.1 "), std::string::npos);
  EXPECT_NE(process(site + ".dns-faults").find(":53 --upstream 127.0.0.1:5301 --delay 5s"), std::string::npos);
  const auto& twin = scenario.sites[1].name;
  EXPECT_NE(process(twin + ".resolver").find("--port=53 "), std::string::npos);
  EXPECT_EQ(process(twin + ".dns-faults"), "");
}

TEST(loss_pattern, shares_are_exact) {
  for (const std::uint32_t share : {1U, 100U, 1'000U, 10'000U, 123'456U, 500'000U, 1'000'000U}) {
    for (const auto& loss :
         {model::Loss{model::RandomLoss{Ratio{share}, 5}}, model::Loss{model::BurstLoss{Ratio{share}, 3, 5}}}) {
      const auto pattern = loss_pattern(loss);
      EXPECT_EQ(std::uint64_t{pattern.lost.size()} * 1'000'000, std::uint64_t{share} * pattern.period);
      EXPECT_TRUE(std::ranges::is_sorted(pattern.lost));
      EXPECT_LT(pattern.lost.back(), pattern.period);
      EXPECT_EQ(std::ranges::adjacent_find(pattern.lost), pattern.lost.end());
    }
  }
}

TEST(loss_pattern, a_list_counts_from_one_and_never_begins_again) {
  const auto pattern = loss_pattern(model::PacketListLoss{{3, 1, 3}});
  EXPECT_EQ(pattern.lost, (std::vector<std::uint32_t>{0, 2}));
  EXPECT_EQ(pattern.period, 0xffffffffU);
  EXPECT_EQ(match_lost(loss_pattern({})), "");
}

TEST(rule_table, a_difference_touches_only_what_changed) {
  RuleTable before;
  before.counters = {"a"};
  before.sets = {{"set", "kept", "type ipv4_addr;", {}}, {"set", "forgotten", "type ipv4_addr;", {}}};
  before.chains = {{"same", "", {"accept"}}, {"other", "", {"accept"}}};
  EXPECT_EQ(difference(before, before), "");
  auto after = before;
  after.chains[1].rules = {"drop"};
  after.sets[1].epoch = 1;
  EXPECT_EQ(difference(before, after),
            "flush set inet crypelab forgotten\n"
            "flush chain inet crypelab other\n"
            "table inet crypelab {\n"
            "  set forgotten {\n    type ipv4_addr;\n  }\n"
            "  chain other {\n    drop\n  }\n"
            "}\n");
}

}  // namespace
}  // namespace crypelab::blueprint::draw_test
