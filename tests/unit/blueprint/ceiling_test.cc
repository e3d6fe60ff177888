#include "harness/blueprint/ceiling.h"

#include <gtest/gtest.h>

namespace crypelab::blueprint::ceiling_test {
namespace {

using namespace std::chrono_literals;

// alice, in this site, sends to bob, in an open one, and gets from him.
model::Scenario measured_from(model::Site office) {
  office.name = "office";
  office.subnet4 = *parse_prefix("10.20.0.0/24");
  model::Site home{.name = "home"};
  home.subnet4 = *parse_prefix("10.30.0.0/24");
  model::Scenario scenario;
  scenario.sites = {std::move(office), std::move(home)};
  scenario.clients = {{.name = "alice", .sites = {"office"}}, {.name = "bob", .sites = {"home"}}};
  scenario.work = {model::Throughput{.direction = model::Flow::both}};
  return scenario;
}

model::Site with_egress(std::vector<model::EgressRule> rules) {
  model::Site site;
  site.egress = std::move(rules);
  return site;
}

const measure::Rate& rate_of(const CeilingPlan& plan, std::size_t leg) {
  return std::get<measure::Rate>(plan.legs.at(leg).question.ask);
}

TEST(ceiling, is_of_both_legs_of_each_direction) {
  const auto plan = plan_ceilings(measured_from({}));
  ASSERT_EQ(plan.legs.size(), 4U);
  EXPECT_TRUE(plan.why.empty());
  EXPECT_EQ(plan.legs[0].host, "alice");
  EXPECT_EQ(rate_of(plan, 0).way, measure::Way::up);
  EXPECT_EQ(plan.legs[1].host, "bob");
  EXPECT_EQ(rate_of(plan, 1).way, measure::Way::down);
  EXPECT_EQ(plan.legs[2].direction, model::Flow::receive);
  EXPECT_EQ(rate_of(plan, 2).way, measure::Way::down);
  EXPECT_EQ(rate_of(plan, 3).way, measure::Way::up);
  // What nothing limits needs the machine for itself.
  EXPECT_EQ(plan.legs[2].question.after, std::vector<std::string>{plan.legs[0].question.id});
}

TEST(ceiling, of_a_limited_path_offers_half_as_much_again_on_both_legs_at_once) {
  model::Site office;
  office.uplink.up.rate = BitRate{10'000'000};
  office.uplink.down.rate = BitRate{40'000'000};
  const auto plan = plan_ceilings(measured_from(office));
  ASSERT_EQ(plan.legs.size(), 4U);
  EXPECT_EQ(rate_of(plan, 0).offered, BitRate{15'000'000});
  EXPECT_EQ(rate_of(plan, 1).offered, BitRate{15'000'000});
  EXPECT_EQ(rate_of(plan, 2).offered, BitRate{60'000'000});
  EXPECT_GE(rate_of(plan, 0).time, 200ms);
  EXPECT_TRUE(plan.legs[2].question.after.empty());
}

TEST(ceiling, goes_where_the_rules_let_it) {
  const auto tcp = plan_ceilings(
      measured_from(with_egress({{model::Drop{}, {.protocol = model::Protocol::udp}}, {model::Allow{}, {}}})));
  EXPECT_EQ(rate_of(tcp, 0).transport, measure::Transport::tcp);
  EXPECT_EQ(rate_of(tcp, 1).transport, measure::Transport::udp);
  const auto gate = plan_ceilings(measured_from(with_egress(
      {{model::FirstBytes{.sni = {"*.crype.test"}}, {.protocol = model::Protocol::tcp, .ports = {{443, 443}}}}})));
  EXPECT_EQ(rate_of(gate, 0).to.port, 443);
  EXPECT_EQ(rate_of(gate, 0).opening, measure::Opening::tls);
  EXPECT_EQ(rate_of(gate, 0).server_name, "any.crype.test");
}

TEST(ceiling, begins_at_the_proxy_where_only_that_gets_out) {
  auto site = with_egress({{model::Reject{}, {}}});
  site.proxies.emplace_back();
  site.proxies.back().name = "proxy";
  const auto plan = plan_ceilings(measured_from(site));
  ASSERT_EQ(plan.legs.size(), 4U);
  EXPECT_EQ(plan.legs[0].host, "office.proxy");
  EXPECT_EQ(rate_of(plan, 0).transport, measure::Transport::tcp);
}

TEST(ceiling, has_a_reason_where_there_is_none) {
  EXPECT_EQ(plan_ceilings(measured_from(with_egress({{model::Drop{}, {}}}))).why,
            "nothing of office gets out to be measured");
  EXPECT_NE(
      plan_ceilings(measured_from(with_egress(
                        {{model::Police{BitRate{200'000}}, {.protocol = model::Protocol::udp}}, {model::Allow{}, {}}})))
          .why.find("polices"),
      std::string::npos);
}

TEST(ceiling, is_nobodys_where_no_throughput_is_measured) {
  auto scenario = measured_from({});
  scenario.work = {model::Echo{}};
  const auto plan = plan_ceilings(scenario);
  EXPECT_TRUE(plan.legs.empty());
  EXPECT_TRUE(plan.why.empty());
}

}  // namespace
}  // namespace crypelab::blueprint::ceiling_test
