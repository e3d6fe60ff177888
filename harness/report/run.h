#pragma once

#include "harness/base/error.h"
#include "harness/model/verdict.h"

#include <cstdint>
#include <string>
#include <vector>

// One run of `crypelab run` or `crypelab judge` as one value, from which every report is made. Pure; whatever came from
// a client is text and nothing else, in each of them.
namespace crypelab::report {

struct NotCovered {  // a scenario that was selected and not run: never a pass
  std::string scenario;
  std::string why;
  bool operator==(const NotCovered&) const = default;
};

struct Run {
  std::string program;  // "crypelab 0.1.0"
  std::string started;  // RFC 3339, UTC
  std::uint64_t seed = 0;
  double seconds = 0;    // how long it took; 0: it was judged from saved evidence
  bool complete = true;  // false: it was interrupted
  std::vector<model::Judgement> judgements;
  std::vector<NotCovered> not_covered;
};

// All attempts at one scenario with the same drivers. Attempts that differ are flaky: never a pass.
struct Cell {
  std::string scenario;
  std::string clients;  // the drivers, in the scenario's order: "crypelab-client", "a + b" where they differ
  std::vector<const model::Judgement*> attempts;
  model::Outcome outcome = model::Outcome::pass;  // the worst
  bool flaky = false;
};
// In the order of their first attempts. Points into `run`.
std::vector<Cell> cells_of(const Run& run);

// Of outcomes those that are a client's failure: fail, wrong-path, unclear-error.
bool is_failure(model::Outcome outcome);

// design.md, Outcomes: 1 if anything failed; else 2 if anything was inconclusive, or nothing passed; else 0. `strict`
// also fails on non-strict, unsupported and not-covered.
Exit status_of(const Run& run, bool strict);

// The record: harness/report/run.schema.json. Stable: names do not change their meaning.
std::string to_json(const Run& run);
// For build servers: unsupported and not-covered are skipped, fail, wrong-path, unclear-error and flaky are failures,
// inconclusive is an error.
std::string to_junit(const Run& run);
// One page that needs no network.
std::string to_html(const Run& run);
// For a terminal, at most `width` columns; `colour`: with the escape sequences of ECMA-48.
std::string to_table(const Run& run, bool colour, unsigned width = 120);
// One attempt as a short story with times.
std::string to_story(const model::Judgement& judgement);

}  // namespace crypelab::report
