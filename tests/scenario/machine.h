#pragma once

#include "../kernel/variants.h"

#include <functional>
#include <map>
#include <string>

namespace crypelab::test {

// Runs `body` on a machine of its own: PID, mount, network, IPC and UTS namespaces with a link, an address, a route, a
// rule and empty /tmp, /run, /var, /dev/shm and home, so that nobody else's doings are in what is compared. `body` runs
// as its first process and as `caller`; a failed expectation in it fails the test.
void on_a_machine(kernel::testing::Caller caller, const std::function<void()>& body);

// Everything of the machine that a lab could change, by name: links, addresses, routes, rules, rule sets, mounts,
// kernel settings, files. What changes by itself, like entropy, is left out.
using Snapshot = std::map<std::string, std::string>;
Snapshot snapshot();
// What differs, for a message; empty when nothing does.
std::string difference(const Snapshot& before, const Snapshot& after);

// Waits until no process is left on the machine but its first one. False when the deadline passes.
bool alone(std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace crypelab::test
