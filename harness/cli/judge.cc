#include "harness/base/error.h"
#include "harness/cli/commands.h"
#include "harness/cli/judging.h"
#include "harness/cli/output.h"
#include "harness/evidence/attempt_reader.h"
#include "harness/report/run.h"

#include <unistd.h>

namespace crypelab::cli {

// Nothing of the machine or of the time of day is in it: the same evidence gives the same bytes.
int run(const Judge& command) {
  const std::filesystem::path folder(command.folder);
  const judge::Options options{.required = command.require};
  report::Run run;
  run.program = kVersion;
  for (const auto& attempt : evidence::attempts_below(folder)) {
    auto judgement = judge_folder(attempt, options);
    judgement.folder = attempt.lexically_relative(folder);
    if (run.judgements.empty()) {
      run.started = judgement.started;
      run.seed = judgement.seed;
    }
    run.judgements.push_back(std::move(judgement));
  }
  put(command.json ? report::to_json(run) : report::to_table(run, isatty(STDOUT_FILENO) != 0));
  return static_cast<int>(report::status_of(run, command.strict));
}

int run(const Explain& command) {
  const auto attempts = evidence::attempts_below(command.folder);
  std::string text;
  for (const auto& attempt : attempts) text += (text.empty() ? "" : "\n") + report::to_story(judge_folder(attempt, {}));
  put(text);
  return 0;
}

}  // namespace crypelab::cli
