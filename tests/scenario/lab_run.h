#pragma once

#include "harness/blueprint/blueprint.h"

#include <chrono>
#include <string>
#include <vector>

namespace crypelab::test {

// One program run in a lab, and what the services saw of it.
struct LabRun {
  int status = -1;     // as a shell says it; -1: the lab did not come up, and `out` says why
  std::string out;     // standard output and error
  std::string events;  // lines of JSON (evidence::event_line), settled
  std::vector<std::string> lines(std::string_view source, std::string_view kind) const;  // those of one kind
};

// The blueprint of a scenario given as text. Aborts the test with the complaints when it has any.
blueprint::Blueprint plan_of(const std::string& scenario);

// Adds a server of the tests' own to a host of the world: plain bytes are sent back on port 8080, the same inside TLS
// on 4433 (its certificate by the lab's authority, for www.crype.test and turns.crype.test), HTTP on 8081 and inside
// TLS on 4434 (it answers with the head that it got). It is `web`, www.crype.test.
void add_test_server(blueprint::Blueprint& plan);

// Brings the lab up, runs `script` by sh on `host`, and takes it down. On a client's machine the environment holds what
// TURN servers take from it, as under `crypelab exec`.
LabRun run_in_lab(const blueprint::Blueprint& plan, const std::string& host, const std::string& script);

}  // namespace crypelab::test
