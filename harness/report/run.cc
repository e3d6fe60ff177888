#include "harness/report/run.h"

#include <algorithm>

namespace crypelab::report {
namespace {

using model::Outcome;

std::string drivers_of(const model::Judgement& judgement) {
  std::vector<std::string> drivers;
  for (const auto& client : judgement.clients) drivers.push_back(client.driver);
  const bool one = std::ranges::adjacent_find(drivers, std::ranges::not_equal_to{}) == drivers.end();
  if (drivers.empty()) return "";
  if (one) return drivers.front();
  std::string text;
  for (const auto& driver : drivers) text += (text.empty() ? "" : " + ") + driver;
  return text;
}

}  // namespace

std::vector<Cell> cells_of(const Run& run) {
  std::vector<Cell> cells;
  std::vector<std::pair<std::string, std::size_t>> places;  // sorted by key
  for (const auto& judgement : run.judgements) {
    const auto drivers = drivers_of(judgement);
    const auto key = judgement.scenario + '\n' + drivers;
    auto place = std::ranges::lower_bound(places, key, {}, &std::pair<std::string, std::size_t>::first);
    if (place == places.end() || place->first != key) {
      place = places.insert(place, {key, cells.size()});
      cells.push_back({judgement.scenario, drivers, {}, judgement.outcome, false});
    }
    auto& cell = cells[place->second];
    if (!cell.attempts.empty() && cell.attempts.front()->outcome != judgement.outcome) cell.flaky = true;
    cell.attempts.push_back(&judgement);
    cell.outcome = std::max(cell.outcome, judgement.outcome);
  }
  return cells;
}

bool is_failure(model::Outcome outcome) { return outcome >= Outcome::unclear_error; }

Exit status_of(const Run& run, bool strict) {
  bool failed = false;
  bool inconclusive = !run.complete;
  bool passed = false;
  for (const auto& cell : cells_of(run)) {
    failed = failed || is_failure(cell.outcome) || cell.flaky;
    inconclusive = inconclusive || cell.outcome == Outcome::inconclusive;
    passed = passed || cell.outcome == Outcome::pass || cell.outcome == Outcome::non_strict;
    if (strict) failed = failed || cell.outcome == Outcome::non_strict || cell.outcome == Outcome::unsupported;
  }
  if (strict && !run.not_covered.empty()) failed = true;
  if (failed) return Exit::failed;
  return inconclusive || !passed ? Exit::inconclusive : Exit::ok;
}

}  // namespace crypelab::report
