#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/kernel/supervisor.h"
#include "harness/lab/door.h"
#include "harness/model/driver.h"
#include "harness/model/scenario.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace crypelab::lab {

// One attempt at a scenario: who takes the parts, and where the evidence goes.
struct TrialPlan {
  model::Scenario scenario;
  blueprint::Blueprint drawn;                    // the scenario's
  std::map<std::string, model::Driver> drivers;  // by client: one for each
  std::map<std::string, int> probes;             // by driver: its exit status for a task that nobody knows; must be 127
  std::filesystem::path folder;                  // there, and empty but for the copy of the scenario
  unsigned number = 1;
  std::uint64_t seed = 1;
  std::string program;  // "crypelab 0.1.0"
  bool capture = true;
  bool keys = true;  // of TLS connections, in the capture
  // Asked when the evidence is complete and the lab still alive: whether somebody is to look at the lab before it goes.
  std::function<bool()> pause;
};

// Brings the scenario up, measures its network, lets its clients do their job, and writes down everything that was
// seen. Clients do not start in a network that does not measure as declared. Asked to end, it ends in order and the
// evidence says that it is not complete. Throws Failure: what the lab could not do. With a door, whoever comes is let
// in while the lab is paused.
void run_trial(const TrialPlan& plan, kernel::Supervised& supervised, Door* door = nullptr);

// Evidence of an attempt that came to nothing: `why` it did not.
void write_casualty(const TrialPlan& plan, const std::string& why);

}  // namespace crypelab::lab
