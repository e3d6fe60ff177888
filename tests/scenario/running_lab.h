#pragma once

#include "../kernel/variants.h"
#include "harness/blueprint/blueprint.h"
#include "harness/lab/lab.h"
#include "harness/model/event.h"

#include <functional>
#include <string>
#include <vector>

namespace crypelab::test {

struct Said {
  int status = -1;
  std::string text;  // standard output and error, without the last line's end
};

// A scenario alive inside the test itself, with programs of the test beside those of the lab.
class RunningLab {
 public:
  RunningLab(const blueprint::Blueprint& plan, const kernel::Supervised& supervised);

  lab::Lab& lab() { return lab_; }
  // Runs a program on a host to its end, 20 s at most.
  Said run(const std::string& host, const std::vector<std::string>& arguments);
  // Waits until so many events of that kind have been seen, 5 s at most; gives those that there are.
  std::vector<model::Event> events(const std::string& kind, std::size_t count);
  // The packets that a rule counter has seen.
  std::uint64_t count(const std::string& host, const std::string& counter);

 private:
  lab::Lab lab_;
};

// The blueprint of a scenario in YAML. Programs of ours are those that were built beside the test.
blueprint::Blueprint draw(const std::string& yaml);

// `body` with the lab of `plan` up.
void in_a_running_lab(const blueprint::Blueprint& plan, const std::function<void(RunningLab&)>& body,
                      kernel::testing::Caller caller = kernel::testing::Caller::root);

// tcp_probe.py as a server of the world, on all addresses of its host or on one; what it hears becomes events of kind
// "connection": peer, port, bytes, hex (the first 32), end ("fin", "rst").
services::Process listener(const std::string& host, std::uint16_t port, const std::string& task = "serve",
                           const std::string& address = "::");
// The command line of tcp_probe.py as a client.
std::vector<std::string> probe(std::vector<std::string> arguments);

}  // namespace crypelab::test
