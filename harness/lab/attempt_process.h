#pragma once

#include "harness/kernel/child_process.h"
#include "harness/lab/trial.h"

namespace crypelab::lab {

// One attempt in a process of its own, which ends with this one whatever happens. The calling process has one thread.
// When it has ended, there is evidence in its folder: what it saw, or why it came to nothing.
class AttemptProcess {
 public:
  explicit AttemptProcess(const TrialPlan& plan);

  const TrialPlan& plan() const { return *plan_; }
  // Readable once it has ended.
  int descriptor() const { return process_.descriptor(); }
  // The first SIGINT or SIGTERM asks it to end in order, the second one kills it.
  void signal(int number) { process_.signal(number); }
  // Waits for its end. Throws Failure{io} when not even that could be written down.
  void finish();

 private:
  const TrialPlan* plan_;
  kernel::ChildProcess process_;
};

// The exit status of a driver whose job has a task which nobody knows, on a host of its own without a network; -1 when
// it does not end within ten seconds or cannot be started. Throws Failure: what the lab could not do.
int probe_driver(const model::Driver& driver, const model::Scenario& scenario, const std::string& client);

}  // namespace crypelab::lab
