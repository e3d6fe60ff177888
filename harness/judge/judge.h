#pragma once

#include "harness/evidence/attempt.h"
#include "harness/model/scenario.h"
#include "harness/model/verdict.h"

#include <string>
#include <vector>

// Expectation and evidence in, verdict out. Pure: the same evidence gives the same judgement, byte for byte, on any
// machine, with or without privilege.
namespace crypelab::judge {

struct Options {
  std::vector<std::string> required;  // features whose absence is a failure instead of "unsupported"
  std::size_t timeline = 150;         // at most so many lines of it
};

// `scenario` is what the attempt was made with: its own copy, read from the attempt's folder when it is judged again.
model::Judgement judge(const model::Scenario& scenario, const evidence::Attempt& attempt, const Options& options = {});

}  // namespace crypelab::judge
