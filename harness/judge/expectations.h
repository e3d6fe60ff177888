#pragma once

#include "harness/judge/connection.h"

namespace crypelab::judge {

// What an expectation's verdict is made from.
struct Ground {
  const Scene& scene;
  const Connection& connection;
};

struct ExpectationVerdict : model::Verdict {
  // It does not hold because the client did not do something: one that cannot do it is excused. What it did against
  // the expectation nothing excuses.
  bool lacks = false;
};

// One verdict for each expectation; the reason of one that does not hold says what was found instead.
ExpectationVerdict judge_expectation(const Ground& ground, const model::Expectation& expected);

// Each in a file of its own.
void judge_connected(const Ground& ground, const model::ExpectConnected& expected, ExpectationVerdict& verdict);
void judge_not_connected(const Ground& ground, const model::ExpectNotConnected& expected, ExpectationVerdict& verdict);
void judge_path(const Ground& ground, const model::ExpectPath& expected, ExpectationVerdict& verdict);
void judge_stays(const Ground& ground, const model::ExpectStaysConnected& expected, ExpectationVerdict& verdict);
void judge_no_bypass(const Ground& ground, const model::ExpectNoBypass& expected, ExpectationVerdict& verdict);
void judge_attempted(const Ground& ground, const model::ExpectAttempted& expected, ExpectationVerdict& verdict);
void judge_unanswered(const Ground& ground, const model::ExpectUnanswered& expected, ExpectationVerdict& verdict);
void judge_echo(const Ground& ground, const model::ExpectEcho& expected, ExpectationVerdict& verdict);
void judge_throughput(const Ground& ground, const model::ExpectThroughput& expected, ExpectationVerdict& verdict);
void judge_reports(const Ground& ground, const model::ExpectReports& expected, ExpectationVerdict& verdict);
void judge_tunnels(const Ground& ground, const model::ExpectTunnels& expected, ExpectationVerdict& verdict);
void judge_allocations(const Ground& ground, const model::ExpectAllocations& expected, ExpectationVerdict& verdict);

// Some packets were not seen: says so, and gives true.
bool blind(const Ground& ground, model::Verdict& verdict);
// Or were not read to their ends (Scene::packets_are_whole).
bool blind_inside(const Ground& ground, model::Verdict& verdict);

// Decides the verdict.
void settle(model::Verdict& verdict, model::Outcome outcome, std::string reason);

}  // namespace crypelab::judge
