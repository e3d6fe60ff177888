#include "measured_network.h"
#include "own_network.h"

namespace crypelab::measured_lab::probe_test {
namespace {

using namespace std::chrono_literals;
using blueprint::Form;
using model::Dependence;

using measured = kernel::OwnNetwork;

model::Scenario office(model::Site site) {
  site.name = "office";
  if (!site.subnet4) site.subnet4 = *parse_prefix("10.20.0.0/24");
  model::Scenario scenario;
  scenario.name = "measured";
  scenario.sites = {std::move(site)};
  scenario.clients = {{"alice", {"office"}, {}}};
  return scenario;
}

model::Site behind(model::Nat nat) {
  model::Site site;
  site.nat = nat;
  return site;
}

model::Site with_rules(std::vector<model::EgressRule> rules) {
  model::Site site;
  site.subnet6 = *parse_prefix("2001:db8:2000::/64");
  site.egress = std::move(rules);
  return site;
}

const model::Match kUdp{.protocol = model::Protocol::udp};
const model::Match kTcp{.protocol = model::Protocol::tcp};
const model::Match kUdp443{.protocol = model::Protocol::udp, .ports = {{443, 443}}};

TEST_F(measured, every_kind_of_nat_measures_as_declared) {
  for (const auto mapping : {Dependence::endpoint_independent, Dependence::address, Dependence::address_and_port}) {
    for (const auto filtering : {Dependence::endpoint_independent, Dependence::address, Dependence::address_and_port}) {
      const auto ports =
          mapping == Dependence::endpoint_independent ? model::PortAssignment::preserve : model::PortAssignment::random;
      const auto scenario = office(behind({.mapping = mapping, .filtering = filtering, .ports = ports}));
      const auto found = measure(scenario, scenario, Form::quick);
      EXPECT_EQ(found.disagreements(), "");
    }
  }
}

TEST_F(measured, another_mapping_than_declared_disagrees) {
  const auto declared = office(behind({.ports = model::PortAssignment::random}));
  for (const auto mapping : {Dependence::address, Dependence::address_and_port}) {
    const auto real = office(behind({.mapping = mapping, .ports = model::PortAssignment::random}));
    EXPECT_FALSE(measure(real, declared, Form::quick, {"NAT"}).row("NAT mapping").agrees);
  }
}

TEST_F(measured, another_filtering_than_declared_disagrees) {
  const auto declared = office(behind({}));
  for (const auto filtering : {Dependence::endpoint_independent, Dependence::address}) {
    const auto real = office(behind({.filtering = filtering}));
    const auto found = measure(real, declared, Form::quick, {"NAT"});
    EXPECT_FALSE(found.row("NAT filtering").agrees);
    EXPECT_TRUE(found.row("NAT mapping").agrees) << found.disagreements();
  }
}

TEST_F(measured, another_choice_of_ports_than_declared_disagrees) {
  const auto sequential = office(behind({.ports = model::PortAssignment::sequential}));
  EXPECT_EQ(measure(sequential, sequential, Form::quick, {"NAT"}).disagreements(), "");
  EXPECT_FALSE(measure(sequential, office(behind({})), Form::quick, {"NAT"}).row("NAT mapping").agrees);
}

TEST_F(measured, each_way_to_block_has_its_own_answer_in_both_families) {
  const auto scenario = office(with_rules(
      {{model::Allow{}, {.protocol = model::Protocol::udp, .ports = {{3478, 3479}}}},
       {model::Drop{}, kUdp443},
       {model::Reject{model::Unreachable::host}, {.protocol = model::Protocol::udp, .ports = {{5349, 5349}}}},
       {model::Reject{}, kUdp},
       {model::Reset{}, {.protocol = model::Protocol::tcp, .ports = {{80, 80}}}},
       {model::Reject{model::Unreachable::network}, {.protocol = model::Protocol::tcp, .ports = {{5349, 5349}}}},
       {model::Allow{}, {.protocol = model::Protocol::tcp, .ports = {{443, 443}}}}}));
  const auto found = measure(scenario, scenario, Form::quick);
  EXPECT_EQ(found.disagreements(), "");
  EXPECT_NE(found.row("udp 443 to 198.51.100.90").note.find("counter egress_2_out"), std::string::npos);
  EXPECT_LT(found.elapsed, 500ms);  // silence is proved, not waited for: the deadline is 1 s
}

TEST_F(measured, a_hole_in_a_declared_drop_disagrees) {
  const auto declared = office(with_rules({{model::Drop{}, kUdp}, {model::Allow{}, kTcp}}));
  const auto open = office(with_rules({{model::Allow{}, kUdp443}, {model::Drop{}, kUdp}, {model::Allow{}, kTcp}}));
  const auto found = measure(open, declared, Form::quick);
  EXPECT_FALSE(found.row("udp 443 to 198.51.100.90").agrees);
  EXPECT_FALSE(found.row("udp 443 to 2001:db8:100::90").agrees);
}

TEST_F(measured, a_rejection_is_no_drop_and_a_reset_no_rejection) {
  const auto dropping = office(with_rules({{model::Drop{}, kUdp}, {model::Reset{}, kTcp}}));
  const auto rejecting = office(with_rules({{model::Reject{}, kUdp}, {model::Reject{}, kTcp}}));
  for (const auto& row : measure(rejecting, dropping, Form::quick).rows) EXPECT_FALSE(row.agrees) << row.what;
}

TEST_F(measured, five_percent_of_loss_are_not_one_percent) {
  model::Site site;
  site.uplink.up.loss = model::RandomLoss{Ratio{10'000}};
  const auto declared = office(site);
  EXPECT_EQ(measure(declared, declared, Form::full, {"loss"}).disagreements(), "");
  site.uplink.up.loss = model::RandomLoss{Ratio{50'000}};
  const auto found = measure(office(site), declared, Form::full, {"loss"});
  EXPECT_FALSE(found.row("loss, delay, order").agrees);
  EXPECT_NE(found.row("loss, delay, order").note.find("loss up differs"), std::string::npos);
}

TEST_F(measured, a_narrow_path_and_a_black_hole_are_told_apart) {
  model::Site site;
  site.uplink.mtu = 1300;
  const auto narrow = office(site);
  EXPECT_EQ(measure(narrow, narrow, Form::full, {"path MTU"}).disagreements(), "");
  EXPECT_FALSE(measure(office({}), narrow, Form::full, {"path MTU"}).row("path MTU up").agrees);
  site.uplink.too_big = false;
  EXPECT_FALSE(measure(office(site), narrow, Form::full, {"path MTU"}).row("path MTU up").agrees);
  EXPECT_EQ(measure(office(site), office(site), Form::full, {"path MTU up"}).disagreements(), "");
}

TEST_F(measured, a_longer_timer_than_declared_disagrees) {
  const auto declared = office(behind({.udp_timer = 2s}));
  EXPECT_EQ(measure(declared, declared, Form::full, {"NAT UDP timer"}).disagreements(), "");
  const auto real = office(behind({.udp_timer = 8s}));
  EXPECT_FALSE(measure(real, declared, Form::full, {"NAT UDP timer"}).row("NAT UDP timer").agrees);
}

TEST_F(measured, a_hairpin_that_is_not_declared_disagrees) {
  for (const auto filtering : {Dependence::endpoint_independent, Dependence::address_and_port}) {
    const auto with = office(behind({.filtering = filtering, .hairpin = true}));
    const auto without = office(behind({.filtering = filtering}));
    EXPECT_EQ(measure(with, with, Form::full, {"NAT hairpin"}).disagreements(), "");
    EXPECT_EQ(measure(without, without, Form::full, {"NAT hairpin"}).disagreements(), "");
    EXPECT_FALSE(measure(with, without, Form::full, {"NAT hairpin"}).row("NAT hairpin").agrees);
  }
}

TEST_F(measured, a_wider_uplink_than_declared_disagrees) {
  model::Site site;
  site.uplink.up.rate = site.uplink.down.rate = BitRate{2'000'000};
  const auto declared = office(site);
  EXPECT_EQ(measure(declared, declared, Form::full, {"rate"}).disagreements(), "");
  site.uplink.up.rate = BitRate{4'000'000};
  EXPECT_FALSE(measure(office(site), declared, Form::full, {"rate"}).row("rate up").agrees);
}

TEST_F(measured, a_flow_that_falls_silent_does_so_where_declared) {
  const auto limited = [](std::uint64_t bytes) {
    return office(with_rules({{model::AcceptThenDrop{ByteCount{bytes}, {}}, kUdp}, {model::Allow{}, kTcp}}));
  };
  EXPECT_EQ(measure(limited(100'000), limited(100'000), Form::full, {"udp 443 falls"}).disagreements(), "");
  EXPECT_EQ(measure(limited(100'000), limited(400'000), Form::full, {"udp 443 falls"}).rows.at(0).agrees, false);
}

TEST_F(measured, a_tcp_flow_that_falls_silent_does_so_where_declared) {
  const auto limited = [](std::uint64_t bytes) {
    return office(with_rules({{model::AcceptThenDrop{ByteCount{bytes}, {}}, kTcp}, {model::Allow{}, kUdp}}));
  };
  EXPECT_EQ(measure(limited(200'000), limited(200'000), Form::full, {"tcp 80 falls"}).disagreements(), "");
  EXPECT_FALSE(measure(limited(200'000), limited(800'000), Form::full, {"tcp 80 falls"}).rows.at(0).agrees);
}

const Endpoint kServer = *parse_endpoint("198.51.100.90:3478");
const Endpoint kOther = *parse_endpoint("198.51.100.91:3479");

TEST_F(measured, mappings_of_tcp_are_told_apart_as_those_of_udp) {
  for (const auto mapping : {Dependence::endpoint_independent, Dependence::address, Dependence::address_and_port}) {
    const auto real = office(behind({.mapping = mapping, .ports = model::PortAssignment::random}));
    const auto found = std::get<measure::Mapped>(ask(real, measure::Mapping{measure::Transport::tcp, kServer, kOther}));
    EXPECT_EQ(found.nat, true);
    EXPECT_EQ(static_cast<int>(found.mapping.value()), static_cast<int>(mapping));
    EXPECT_EQ(found.ports, measure::PortChoice::random);
  }
}

TEST_F(measured, rates_of_tcp_are_those_of_the_uplink_each_way) {
  model::Site site;
  site.uplink.up.rate = BitRate{8'000'000};
  site.uplink.down.rate = BitRate{4'000'000};
  for (const auto way : {measure::Way::up, measure::Way::down}) {
    const auto found =
        std::get<measure::Rated>(ask(office(site), measure::Rate{measure::Transport::tcp, way, kServer, {}, 1s}));
    EXPECT_TRUE(found.complete);
    const double declared = way == measure::Way::up ? 8e6 : 4e6;
    EXPECT_NEAR(static_cast<double>(found.wire.bits_per_second), declared, declared / 5);
    EXPECT_LT(found.goodput, found.wire);
  }
}

TEST_F(measured, a_tcp_handshake_that_passes_is_not_an_answer) {
  // What the handshake needs passes, then nothing.
  const auto scenario = office(with_rules({{model::AcceptThenDrop{ByteCount{170}, {}}, kTcp}}));
  const auto found = std::get<measure::Reached>(
      ask(scenario, measure::Reach{measure::Transport::tcp, kServer, "00112233445566778899aabb"}));
  EXPECT_EQ(found.outcome, measure::Outcome::accepted);
}

}  // namespace
}  // namespace crypelab::measured_lab::probe_test
