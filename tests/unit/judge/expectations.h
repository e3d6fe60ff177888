#pragma once

#include "made.h"

#include <gtest/gtest.h>

namespace crypelab::judge {

using namespace made;  // NOLINT(google-build-using-namespace): the language of these tests

// Alice and bob, connected directly at 2 s; data from 1 s on.
class Expectations : public testing::Test {
 protected:
  Expectations() : evidence(with_egress()), alice{evidence.address("alice"), 5000}, bob{evidence.address("bob"), 4000} {
    evidence.hellos();
  }
  static model::Scenario with_egress() {
    auto scenario = two_sites();
    scenario.sites[0].nat.reset();
    scenario.sites[0].egress = std::vector<model::EgressRule>{{model::Drop{}, {.protocol = model::Protocol::udp}, 12}};
    return scenario;
  }
  void connected(int count = 60) {
    evidence.words(ms(2000));
    direct_data(evidence, "alice", alice, bob, alice, ms(1000), count);
    direct_data(evidence, "bob", bob, alice, bob, ms(1000), count);
  }
  void expect(decltype(model::Expectation::what) what) {
    evidence.scenario.expectations.push_back({std::move(what), 20});
  }
  void echo(std::int64_t sent, std::int64_t received, std::optional<double> median) {
    evidence.scenario.work = {model::Echo{.count = 100}};
    std::vector<std::pair<std::string, model::Value>> fields{{"sent", sent}, {"received", received}};
    if (median) fields.emplace_back("rtt_ms.p50", *median);
    evidence.client(ms(3000), "alice", "echo", std::move(fields));
  }
  void throughput(const std::string& who, std::int64_t bytes, double time) {
    evidence.scenario.work = {model::Throughput{.time = std::chrono::seconds(1)}};
    evidence.client(ms(4000), who, "throughput",
                    {{"direction", std::string("send")}, {"goodput_bps", 8e9}, {"bytes", bytes}, {"seconds", time}});
  }
  model::Verdict only() {
    const auto judgement = evidence.judged();
    for (const auto& verdict : judgement.verdicts) {
      if (verdict.line == 20) return verdict;
    }
    return {};
  }
  void ended(Moment at, Moment looked) {
    evidence.ends(at);
    evidence.event(looked, model::Source::rule, "office.edge", "counter");
  }
  Evidence evidence;
  Endpoint alice;
  Endpoint bob;
};

}  // namespace crypelab::judge
