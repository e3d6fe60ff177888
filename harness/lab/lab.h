#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/evidence/redaction.h"
#include "harness/kernel/host_view.h"
#include "harness/kernel/program.h"
#include "harness/kernel/session_server.h"
#include "harness/kernel/supervisor.h"
#include "harness/lab/loop.h"
#include "harness/lab/network.h"
#include "harness/lab/secrets.h"
#include "harness/lab/service.h"
#include "harness/lab/trust.h"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::lab {

// What is to run on a host: the program and what it gets besides the host's network, resolver, trust store and home.
struct HostProgram {
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;  // added to what a login gives: HOME, PATH, USER, LANG
  std::string directory;                           // empty: the home folder
  std::vector<int> descriptors;                    // 0, 1, 2 of the program; none: /dev/null
  bool privileged = false;                         // keeps its power over the host's network
};

// Throws Failure{unavailable} when a program that the blueprint needs is not installed, with the line that installs it.
void require_programs(const blueprint::Blueprint& plan);

// A blueprint, alive. Constructed means up, with every service ready; destroyed means gone. Lives inside a supervised
// process.
class Lab {
 public:
  // `visible` are files and folders of the machine outside that programs on the hosts may read; what passes at `points`
  // is captured; on the `expected` hosts programs will soon be started, which is made ready beforehand.
  Lab(const blueprint::Blueprint& plan, const kernel::Supervised& supervised, std::vector<std::string> visible = {},
      const std::vector<CapturePoint>& points = {}, const std::vector<std::string>& expected = {});
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  const blueprint::Blueprint& plan() const { return plan_; }
  Network& network() { return network_; }
  Loop& loop() { return loop_; }
  // The lab's clock: since it was up.
  std::chrono::nanoseconds now() const { return Loop::Clock::now() - up_; }
  // When that was.
  Loop::Clock::time_point up() const { return up_; }
  // What the programs of the world said about what they saw, in the order of arrival, on the lab's clock.
  const std::vector<model::Event>& events() const { return events_; }

  // What takes the secrets of this lab out of text.
  const evidence::Redaction& redaction() const { return redaction_; }
  // Waits, at most `patience`, until the services have dealt with what the programs on the hosts did before, and have
  // said so.
  void settle(std::chrono::milliseconds patience);

  // Throws Failure{usage} for a host that is not there.
  kernel::Program start(const std::string& host, const HostProgram& program);
  // The same, for a person in front of the lab: not started yet.
  kernel::Seat seat(const std::string& host, const HostProgram& program);

  // What a client may show to the services of the world.
  struct Credentials {
    std::string token;  // to the signaling server
    TurnLogin turn;     // to the TURN servers, for as long as the scenario says
    std::string proof;  // no secret: a word that only this client knows until it tells its peer
  };
  Credentials credentials(const std::string& client);
  const Secrets& secrets() const { return secrets_; }

  // From now on the steps of the scenario happen at their times, as long as the loop runs.
  void start_steps();

  // Is told of every step, at its time, before it happens.
  void before_steps(std::function<void(const blueprint::Step& step)> told) { before_step_ = std::move(told); }
  // Is given every line that a service writes, and the last ones that it wrote before.
  void watch_lines(std::function<void(const std::string& service, std::string_view line)> told);
  // A regular file as the programs on a host see it, for reading; throws Failure when there is none.
  Descriptor open_file(const std::string& host, const std::string& path) { return view(host).open(path); }

  // The services that have died, and how, with their last words: what was measured with them proves nothing.
  const std::vector<std::string>& casualties() const { return casualties_; }

 private:
  void apply(const blueprint::Change& change);
  void schedule(const blueprint::Step& step, Loop::Clock::time_point moment);
  void start_services(std::vector<std::string> expected);
  void await_services();
  void prepare_hosts();
  void take_output(Service& service);
  void attend(Service& service);
  kernel::HostViewPlan view_of(const std::string& host);
  kernel::HostView& view(const std::string& host);
  void prepare_views(const std::vector<std::string>& hosts);
  unsigned number(const std::string& host) const;

  blueprint::Blueprint plan_;
  const kernel::Supervised* supervised_;
  std::vector<std::string> visible_;
  Loop::Clock::time_point up_{};
  Secrets secrets_;
  evidence::Redaction redaction_;
  Trust trust_;
  Loop loop_;
  Network network_;
  std::map<std::string, kernel::HostView> views_;
  std::deque<Service> services_;
  std::vector<model::Event> events_;
  std::vector<std::string> casualties_;
  std::function<void(const blueprint::Step&)> before_step_;
};

}  // namespace crypelab::lab
