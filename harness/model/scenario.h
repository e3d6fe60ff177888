#pragma once

#include "harness/model/expectation.h"
#include "harness/model/job.h"
#include "harness/model/network.h"
#include "harness/model/turn.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace crypelab::model {

// Where a multi-homed client sends what: a destination (a prefix, or a name of the standard world) by way of a site.
struct ClientRoute {
  std::variant<Prefix, std::string> to;
  std::string via;
  bool operator==(const ClientRoute&) const = default;
};

// A proxy on a client's own host, on 127.0.0.1, that forwards to one of its site.
struct LocalAgent {
  std::uint16_t port = 9000;
  std::string via;
  bool operator==(const LocalAgent&) const = default;
};

struct Client {
  std::string name;
  std::vector<std::string> sites;  // the first one holds the default route
  std::vector<ClientRoute> routes;
  std::optional<LocalAgent> agent;
  std::string ticket;  // the user whose Kerberos ticket its host holds, of the first site; or empty
  Job job;             // the first client calls, the second one is called
  bool operator==(const Client&) const = default;
};

// What changes while the lab runs; times count from the moment the lab is up.
struct ChangeEgress {
  std::string site;
  std::vector<EgressRule> egress;
  bool operator==(const ChangeEgress&) const = default;
};
struct ChangeUplink {  // other delay, rate, loss or MTU
  std::string site;
  Uplink uplink;
  bool operator==(const ChangeUplink&) const = default;
};
enum class Carrier { up, down };
struct SwitchUplink {  // the cable between the site and the internet
  std::string site;
  Carrier state = Carrier::down;
  bool operator==(const SwitchUplink&) const = default;
};
struct SwitchClient {  // the cable between a client and one of its sites
  std::string client;
  std::string site;
  Carrier state = Carrier::down;
  bool operator==(const SwitchClient&) const = default;
};
struct RenumberSite {  // the edge gets another public address: every mapping is gone
  std::string site;
  bool operator==(const RenumberSite&) const = default;
};
struct ChangeRecord {  // a name of the world answers with other addresses
  std::string name;
  std::vector<Address> addresses;
  bool operator==(const ChangeRecord&) const = default;
};
struct RestartServer {  // a server of the world ends and begins anew: it remembers nothing
  std::string host;
  bool operator==(const RestartServer&) const = default;
};
struct Step {
  Duration at{0};
  std::variant<ChangeEgress, ChangeUplink, SwitchUplink, SwitchClient, RenumberSite, ChangeRecord, RestartServer>
      change;
  bool operator==(const Step&) const = default;
};

enum class Tier { quick, nightly, soak };

struct Scenario {
  std::string name;  // unique in a selection; cases are "name/case"
  std::string title;
  std::string proves;
  std::vector<std::string> references;
  Tier tier = Tier::quick;
  std::vector<Site> sites;      // in the order of the file
  std::vector<Client> clients;  // in the order of the file
  std::vector<Step> steps;      // by time
  World world;
  std::vector<Phase> work{Echo{}};        // of both clients, in this order
  std::vector<Expectation> expectations;  // in the order of the file
  std::string file;                       // for messages
  bool operator==(const Scenario&) const = default;
};

// The site or client of that name, or nullptr.
const Site* find_site(const Scenario& scenario, const std::string& name);
const Client* find_client(const Scenario& scenario, const std::string& name);

}  // namespace crypelab::model
