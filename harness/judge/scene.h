#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/evidence/allocations.h"
#include "harness/evidence/attempt.h"
#include "harness/judge/flow.h"
#include "harness/model/scenario.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::judge {

// Who an address of the lab belongs to.
struct Owner {
  enum class Kind { client, server, edge, turn, signal, world } kind = Kind::world;  // server: of a site, its proxy
  std::string host;  // "alice", "office.proxy", "turn-a"
  std::string site;  // of clients, servers, edges
};

// Everything that a check may look at: what was asked for, what it became, what was seen. The scenario and the attempt
// must outlive it.
class Scene {
 public:
  Scene(const model::Scenario& scenario, const evidence::Attempt& attempt);

  const model::Scenario& scenario() const { return scenario_; }
  const evidence::Attempt& attempt() const { return attempt_; }
  const blueprint::Blueprint& plan() const { return plan_; }
  const std::vector<Flow>& flows() const { return flows_; }
  // Of all relays, in their order.
  const std::vector<evidence::Allocation>& allocations() const { return allocations_; }

  // Every packet was seen: what is not among them was not sent.
  bool packets_are_all() const { return attempt_.captured && attempt_.packets_lost == 0; }
  // And all of them that lead to a relay or a peer were read to their ends: what is not among the notes of the flows
  // was not sent.
  bool packets_are_whole() const { return packets_are_all() && !unread_; }

  const evidence::Interface& interface_of(const Flow& flow) const { return attempt_.interfaces[flow.interface]; }
  // When the program under test began: what its host sent before is the lab's own measurement.
  Moment began(const std::string& client) const;
  // The flows that a client's own interfaces saw since then.
  std::vector<const Flow*> flows_of(const std::string& client) const;

  // What a NAT64 of the scenario makes of it: the IPv4 address inside, or itself.
  Address plain(const Address& address) const;
  // nullptr: nobody whom the lab made. Looks through the prefix of a NAT64.
  const Owner* owner(const Address& address) const;
  // A port on which a TURN server listens, in contrast to those from which it relays.
  bool is_turn_service(const Endpoint& endpoint) const;
  // The name by which the standard world knows an endpoint: "turns.crype.test:443"; or the endpoint itself.
  std::string name_of(const Endpoint& endpoint) const;
  // Who a tunnel's target is, by name or address; nullptr: nobody whom the lab knows.
  const Owner* owner_of_target(const std::string& target) const;

  // The first event of that kind from that client, or nullptr.
  const model::Event* first(const std::string& client, std::string_view kind) const;
  std::vector<const model::Event*> all(const std::string& client, std::string_view kind) const;
  std::optional<Moment> hello(const std::string& client) const;
  // The later of the two calling clients' hello: when the time to connect begins.
  std::optional<Moment> start() const;
  // When the step of that place in the scenario happened; nullopt: it did not.
  std::optional<Moment> happened(std::size_t step) const;
  // The clients that call each other: the first two.
  std::vector<std::string> callers() const;

 private:
  const model::Scenario& scenario_;
  const evidence::Attempt& attempt_;
  blueprint::Blueprint plan_;
  std::map<Address, Owner> owners_;
  std::map<std::string, Moment> began_;
  std::vector<Prefix> translated_;  // NAT64
  std::vector<Flow> flows_;
  std::vector<evidence::Allocation> allocations_;
  std::vector<Moment> steps_;  // of the scenario's steps, in their order, those that happened
  bool unread_ = false;
};

std::int64_t number_field(const model::Event& event, std::string_view name, std::int64_t otherwise = 0);
double real_field(const model::Event& event, std::string_view name, double otherwise = 0);

// "61.9 s", "12 ms": for people.
std::string in_words(Moment time);

}  // namespace crypelab::judge
