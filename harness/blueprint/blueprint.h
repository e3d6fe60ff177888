#pragma once

#include "harness/model/scenario.h"
#include "harness/services/process.h"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What the kernel and the programs need for a scenario. A pure function of it: the same scenario gives the same
// blueprint, down to names, addresses, the order of interfaces and rule text.
namespace crypelab::blueprint {

enum class Role { client, server, edge, carrier, internet, world };

struct Bridge {  // the LAN of a site, inside its edge
  std::string name;
  std::vector<Prefix> addresses;
  bool operator==(const Bridge&) const = default;
};

struct Interface {  // one end of a cable
  std::string name;
  std::vector<Prefix> addresses;  // none for a port of a bridge
  std::string bridge;             // the bridge that it is a port of, or empty
  bool isolated = false;          // a port that reaches only ports that are not isolated
  bool operator==(const Interface&) const = default;
};

struct Route {
  Prefix to;
  std::optional<Address> via;
  std::string device;    // empty: found by the kernel from `via`
  unsigned table = 254;  // RT_TABLE_MAIN
  unsigned metric = 0;   // of two routes to the same prefix the lower one wins; 0: the kernel's default
  bool operator==(const Route&) const = default;
};

struct PolicyRule {  // packets from this address use that table
  Prefix from;
  unsigned table = 0;
  bool operator==(const PolicyRule&) const = default;
};

struct Sysctl {
  std::string path;  // below /proc/sys/net, like "ipv4/ip_forward"
  std::string value;
  bool operator==(const Sysctl&) const = default;
};

struct PacketQueue {  // packets that come to this chain of the table of ours wait for a program's verdict
  std::string chain;
  std::uint16_t number = 0;
  bool operator==(const PacketQueue&) const = default;
};

// What is run once on a host when all services are ready, and must succeed, before anybody else runs there.
struct Preparation {
  std::vector<std::string> argv;
  std::string input;    // for its standard input, at most 4 KiB
  std::string package;  // Debian package that holds argv[0]
  bool operator==(const Preparation&) const = default;
};

struct Host {
  std::string name;  // "alice", "office.proxy", "office.edge", "office.carrier", "internet", "signal"
  Role role = Role::client;
  std::string site;  // of clients, edges and carriers
  std::vector<Bridge> bridges;
  std::vector<Interface> interfaces;
  std::vector<Route> routes;         // in an order in which each gateway is already reachable
  std::vector<Route> tunnel_routes;  // by way of an interface that a process of this host makes: once that process is
                                     // ready, the lab raises the interface and adds these
  std::vector<PolicyRule> policy_rules;
  std::vector<Sysctl>
      sysctls;           // written while the host has no interface but the loopback: "default" rules those to come
  std::string rule_set;  // nft text of the tables of ours, or empty; loads in one transaction, replaces itself
  std::vector<PacketQueue> queues;  // a rule that nft cannot write: the lab adds it before links rise
  std::vector<Address> resolvers;   // for its resolv.conf
  std::string search;               // the domain in which short names are looked for, or empty
  std::vector<services::Issuer> trusts{services::Issuer::lab};
  std::map<std::string, std::string> files;        // absolute path to text, over what the machine has there
  std::map<std::string, std::string> environment;  // of every program that runs there
  std::vector<Preparation> preparations;
  bool operator==(const Host&) const = default;
};

struct End {
  std::string host;
  std::string interface;
  bool operator==(const End&) const = default;
};

struct Cable {
  End a;
  End b;
  model::Direction a_to_b;
  model::Direction b_to_a;
  unsigned mtu = 1500;
  // Now or after some step a direction has delay or jitter: the user-space link then does delay, jitter, rate and loss
  // of both directions. Otherwise the kernel does: the rate is the lab's (TBF), the loss is in the rule sets.
  bool user_space = false;
  bool operator==(const Cable&) const = default;
};

// What a rule counter means: a report can name the line of the scenario that stopped a packet.
struct Counter {
  std::string host;
  std::string name;     // of the nft counter object
  std::string meaning;  // "office egress 2: drop { protocol: udp } (line 12), outbound"
  unsigned line = 0;
  bool operator==(const Counter&) const = default;
};

// Changes while the lab runs, in the kernel's terms.
struct LoadRules {  // nft text for one transaction; what it does not name, learnt addresses and counters too, stays
  std::string host;
  std::string rule_set;
  bool operator==(const LoadRules&) const = default;
};
struct SwitchCable {  // loss and return of carrier, at both ends
  std::size_t cable = 0;
  bool up = false;
  bool operator==(const SwitchCable&) const = default;
};
struct ChangeCable {
  std::size_t cable = 0;
  Cable now;
  bool operator==(const ChangeCable&) const = default;
};
struct RenumberInterface {
  End end;
  std::vector<Prefix> removed;
  std::vector<Prefix> added;
  bool operator==(const RenumberInterface&) const = default;
};
struct AddRoute {  // or replaces the one to the same prefix, in the same table, of the same metric
  std::string host;
  Route route;
  bool operator==(const AddRoute&) const = default;
};
struct ForgetFlows {  // drops every connection tracking entry of a host
  std::string host;
  bool operator==(const ForgetFlows&) const = default;
};
struct RewriteFile {  // a file of a running program, which is then told by SIGHUP
  std::string process;
  services::File file;
  bool operator==(const RewriteFile&) const = default;
};
struct RestartProgram {
  std::string process;
  bool operator==(const RestartProgram&) const = default;
};
using Change = std::variant<LoadRules, SwitchCable, ChangeCable, RenumberInterface, AddRoute, ForgetFlows, RewriteFile,
                            RestartProgram>;

struct Step {
  Duration at{0};
  Duration every{0};    // 0: once; otherwise again and again after this period
  std::string meaning;  // "office: egress replaced (line 30)"
  std::vector<Change> changes;
  bool operator==(const Step&) const = default;
};

// What must never stand in anything that the lab writes; see evidence::Redaction.
struct Secret {
  std::string name;  // "office.proxy/alice"
  std::string value;
  bool operator==(const Secret&) const = default;
};

struct Blueprint {
  std::string scenario;
  std::vector<Host> hosts;    // in the order of bring-up
  std::vector<Cable> cables;  // in the order of bring-up
  std::vector<services::Process> processes;
  model::TurnAccess turn_access;  // what the clients' TURN credentials are
  std::vector<Counter> counters;
  std::vector<Step> steps;  // by time
  std::vector<Secret> secrets;
  bool operator==(const Blueprint&) const = default;
};

// Whether a direction is beyond the kernel without netem: delay and jitter need the user-space link.
bool needs_user_space(const model::Direction& direction);

// Draws the blueprint. The scenario has been checked: what cannot be built is the loader's complaint, not this one's.
Blueprint draw(const model::Scenario& scenario);

const Host* find_host(const Blueprint& blueprint, const std::string& name);

}  // namespace crypelab::blueprint
