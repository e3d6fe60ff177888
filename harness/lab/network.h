#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/kernel/cable.h"
#include "harness/kernel/capture_set.h"
#include "harness/kernel/network_namespace.h"
#include "harness/kernel/rule_counters.h"
#include "harness/kernel/token_bucket.h"
#include "harness/lab/cable_engine.h"
#include "harness/lab/capture_points.h"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace crypelab::lab {

// A named rule counter of the lab: "office.edge/egress_1_out".
using Counts = std::map<std::string, kernel::RuleCount>;

// The hosts and cables of a blueprint, alive in the kernel: constructed means that every rule is in force and every
// link is up, destroyed means gone. Rules are there before the first link rises, so that nothing passes that should
// not.
class Network {
 public:
  // Every packet of the interfaces at `points` is captured from the first one on. Throws Failure: what the kernel
  // refused, and its own words.
  explicit Network(const blueprint::Blueprint& plan, const std::vector<CapturePoint>& points = {});
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  const kernel::NetworkNamespace& host(const std::string& name) const;

  // One for each of the points, in their order.
  kernel::CaptureSet& captures() { return *captures_; }

  // All counters of one host, or of all hosts. About ten microseconds a host.
  Counts counters(const std::string& host) const;
  Counts counters() const;

  void load_rules(const std::string& host, const std::string& rule_set);
  void switch_cable(std::size_t cable, bool up);
  void change_cable(std::size_t cable, const blueprint::Cable& now);
  // What a program of that host needs once it has made its interface: raises it, and adds the routes through it.
  void raise_tunnel(const blueprint::Host& host);
  void renumber(const blueprint::RenumberInterface& change);
  void add_route(const std::string& host, const blueprint::Route& route);
  void forget_flows(const std::string& host);

 private:
  // A cable, in one piece, or in two with the engine between them.
  struct Wire {
    explicit Wire(kernel::Cable laid) : near(std::move(laid)) {}
    kernel::Link& first() { return near.first(); }
    kernel::Link& second() { return far ? far->second() : near.second(); }

    kernel::Cable near;
    std::optional<kernel::Cable> far;
    std::uint32_t link = 0;                         // the engine's number for it
    std::optional<kernel::TokenBucket> first_rate;  // of what leaves its first end
    std::optional<kernel::TokenBucket> second_rate;
    std::optional<kernel::CarrierLoss> first_unplugged;
    std::optional<kernel::CarrierLoss> second_unplugged;
  };

  void lay(const blueprint::Cable& cable, std::size_t number);
  void shape(Wire& wire, const blueprint::Cable& cable);
  void address(const blueprint::Host& host);
  void introduce(const blueprint::Blueprint& plan);

  std::map<std::string, kernel::NetworkNamespace> hosts_;
  std::optional<CableEngine> engine_;  // when a cable needs it
  std::deque<Wire> wires_;
  mutable std::map<std::string, kernel::RuleCounters> counters_;
  std::optional<kernel::CaptureSet> captures_;
};

}  // namespace crypelab::lab
