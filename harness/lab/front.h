#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/blueprint/declared.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace crypelab::lab {

// What somebody at a terminal, or a script, wants to run in a lab.
struct FrontRequest {
  std::string host;                    // empty: the first client
  bool privileged = false;             // with power over the host's network
  std::vector<std::string> arguments;  // empty: a shell whose prompt says where it is
  std::string events;                  // a file that gets what the services saw, one line of JSON an event; empty: none
};

// Brings a blueprint up and runs the request in it, with this process's standard descriptors, terminal included. The
// lab lives until the request and all that attached to it have ended. Returns its exit status as a shell says it.
// Throws Failure: what the lab could not do.
int run_in_front(const blueprint::Blueprint& plan, const FrontRequest& request);

// Runs the request in a lab of that scenario which runs already, started by the same user; for root by anybody, its own
// first. Nothing when there is none.
std::optional<int> run_attached(const std::string& scenario, const FrontRequest& request);

// How a network is to be measured.
struct MeasurementRequest {
  blueprint::Form form = blueprint::Form::full;
  bool cached = false;  // what takes long is taken from an earlier measurement, if there is one
  std::string version;  // of the program: another one measures anew
};

// Brings a scenario up and measures its network. A full measurement that agrees is kept for `cached` ones. `report`
// runs inside the lab's process and gives the exit status. Throws Failure: what the lab could not do.
int run_measurement(const model::Scenario& scenario, const MeasurementRequest& request,
                    const std::function<int(const std::vector<blueprint::Row>& rows, Duration took)>& report);

}  // namespace crypelab::lab
