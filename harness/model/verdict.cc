#include "harness/model/verdict.h"

#include "harness/model/describe.h"

#include <algorithm>
#include <array>
#include <utility>

namespace crypelab::model {
namespace {

constexpr std::array<std::pair<Outcome, std::string_view>, 7> kNames{{{Outcome::pass, "pass"},
                                                                      {Outcome::non_strict, "non-strict"},
                                                                      {Outcome::unsupported, "unsupported"},
                                                                      {Outcome::inconclusive, "inconclusive"},
                                                                      {Outcome::unclear_error, "unclear-error"},
                                                                      {Outcome::wrong_path, "wrong-path"},
                                                                      {Outcome::fail, "fail"}}};

}  // namespace

std::string_view to_string(Outcome outcome) {
  return std::ranges::find(kNames, outcome, &std::pair<Outcome, std::string_view>::first)->second;
}

std::optional<Outcome> outcome_of(std::string_view name) {
  const auto found = std::ranges::find(kNames, name, &std::pair<Outcome, std::string_view>::second);
  return found == kNames.end() ? std::nullopt : std::optional(found->first);
}

std::string describe(const Path& path) { return describe(path.path) + (path.proxy ? "+px" : ""); }

Outcome outcome_of(const std::vector<Verdict>& verdicts) {
  Outcome worst = Outcome::pass;
  for (const auto& verdict : verdicts) {
    const bool of_the_lab = verdict.check == "network" || verdict.check == "services";
    if (of_the_lab && verdict.outcome == Outcome::inconclusive) return Outcome::inconclusive;
    worst = std::max(worst, verdict.outcome);
  }
  return worst;
}

}  // namespace crypelab::model
