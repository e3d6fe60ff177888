#include "../evidence/temporary_folder.h"
#include "harness/cli/judging.h"
#include "harness/model/verdict.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace crypelab::cli::saved_evidence_test {
namespace {

namespace fs = std::filesystem;
const fs::path kSaved(CRYPELAB_SOURCE "/fixtures/evidence");

std::string in_lines(const model::Judgement& judgement) {
  auto text = fmt::format("{}: {}\n", judgement.scenario, model::to_string(judgement.outcome));
  for (const auto& verdict : judgement.verdicts) {
    text += fmt::format("{} | {} | {} | {} | {} | {}\n", verdict.line, verdict.check, verdict.client,
                        model::to_string(verdict.outcome), verdict.what, verdict.reason);
    for (const auto& detail : verdict.details) text += "  " + detail + "\n";
  }
  if (!judgement.why.empty()) text += "why: " + judgement.why + "\n";
  return text;
}

// Of calls that took place, with what was judged of them: `verdicts.txt` is what this test says when it fails. The same
// evidence gives the same bytes, on any machine, whatever else changes in the judge.
TEST(SavedEvidence, is_judged_as_it_was_when_it_was_saved) {
  std::set<std::string> outcomes;
  for (const auto& entry : fs::directory_iterator(kSaved)) {
    const auto judgement = judge_folder(entry.path(), {});
    EXPECT_EQ(in_lines(judgement), evidence::contents(entry.path() / "verdicts.txt")) << entry.path();
    for (const auto& verdict : judgement.verdicts) outcomes.insert(std::string(model::to_string(verdict.outcome)));
  }
  EXPECT_EQ(outcomes, (std::set<std::string>{"fail", "pass", "wrong-path"}));
}

}  // namespace
}  // namespace crypelab::cli::saved_evidence_test
