#include "harness/blueprint/print.h"

#include "harness/blueprint/drawing.h"

#include <gtest/gtest.h>

namespace crypelab::blueprint::print_test {
namespace {

// alice --10ms, 1 Mbit/s--> office.edge -- internet
model::Scenario scenario() {
  model::Site office{.name = "office", .subnet4 = parse_prefix("10.20.0.0/24").operator*()};
  office.uplink.up = {.delay = Duration(10'000), .rate = BitRate{1'000'000}};
  office.egress = std::vector<model::EgressRule>{{model::Drop{}, {.protocol = model::Protocol::udp}}};
  return {.name = "udp/blocked",
          .title = "UDP <blocked> & more",
          .sites = {office},
          .clients = {{"alice", {"office"}, {}}}};
}

Blueprint blueprint() {
  Blueprint plan{.scenario = "udp/blocked"};
  plan.hosts.push_back({.name = "internet", .role = Role::internet, .interfaces = {{.name = "n0"}}});
  plan.hosts.push_back({.name = "office.edge",
                        .role = Role::edge,
                        .site = "office",
                        .bridges = {{"lan0", {*parse_prefix("10.20.0.1/24")}}},
                        .interfaces = {{.name = "p0", .bridge = "lan0"}, {.name = "wan0"}},
                        .rule_set = "table inet crypelab {}\n"});
  plan.hosts.push_back({.name = "alice",
                        .role = Role::client,
                        .site = "office",
                        .interfaces = {{.name = "eth0", .addresses = {*parse_prefix("10.20.0.10/24")}}},
                        .routes = {{*parse_prefix("0.0.0.0/0"), *parse_address("10.20.0.1"), "eth0"}}});
  plan.cables.push_back(
      {.a = {"office.edge", "wan0"}, .b = {"internet", "n0"}, .a_to_b = scenario().sites[0].uplink.up});
  plan.cables.push_back({.a = {"alice", "eth0"}, .b = {"office.edge", "p0"}});
  plan.counters.push_back({"office.edge", "egress_1_out", "office egress 1: drop { protocol: udp }, outbound", 7});
  return plan;
}

TEST(Print, text_names_hosts_cables_and_counters) {
  const std::string text = as_text(blueprint());
  EXPECT_NE(text.find("    eth0 10.20.0.10/24\n"), std::string::npos) << text;
  EXPECT_NE(text.find("    route 0.0.0.0/0 via 10.20.0.1 dev eth0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("office.edge:wan0 -- internet:n0  [office.edge to internet: 10ms, 1mbit]\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("office.edge/egress_1_out: office egress 1: drop { protocol: udp }, outbound"),
            std::string::npos);
}

TEST(Print, rules_stand_under_the_name_of_their_host) {
  EXPECT_EQ(as_rules(blueprint()), "# office.edge\ntable inet crypelab {}\n\n");
}

TEST(Print, graphviz_has_a_node_for_each_host_and_an_edge_for_each_cable) {
  const std::string dot = as_graphviz(blueprint());
  EXPECT_NE(dot.find("\"alice\" [label=\"alice\\n10.20.0.10/24\", shape=box];"), std::string::npos) << dot;
  EXPECT_NE(dot.find("\"office.edge\" -- \"internet\" [label=\"from office.edge: 10ms, 1mbit\"];"), std::string::npos)
      << dot;
}

TEST(Drawing, names_are_escaped_and_the_border_speaks_the_language) {
  const std::string svg = as_svg(scenario(), blueprint());
  EXPECT_NE(svg.find("UDP &lt;blocked&gt; &amp; more"), std::string::npos);
  EXPECT_NE(svg.find(" 1. drop { protocol: udp }"), std::string::npos);
  EXPECT_NE(svg.find("up 10ms, 1mbit"), std::string::npos);
  EXPECT_EQ(svg, as_svg(scenario(), blueprint()));
}

}  // namespace
}  // namespace crypelab::blueprint::print_test
