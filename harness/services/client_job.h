#pragma once

#include "harness/model/scenario.h"

#include <cstdint>
#include <optional>
#include <string>

// The job of a client under test: the document that it finds on its standard input (clients/CONTRACT.md).
namespace crypelab::services {

// What the lab adds to what the scenario says about a client.
struct JobSettings {
  std::string client;  // of the scenario; the first two of it call each other
  std::string room = "r1";
  std::string token;          // to the signaling server
  std::string turn_user;      // to the TURN servers
  std::string turn_password;  // the same
  std::string proof;          // the word that only this client has
  std::uint64_t seed = 1;     // below 2^53
  std::string trust = "/etc/ssl/certs/ca-certificates.crt";
};

// Who calls whom: the other of the scenario's first two clients; empty for everybody else.
std::string peer_of(const model::Scenario& scenario, const std::string& client);

// How long a client may take for its job: a minute, in which a failure must have been found out (networks.md: 60 s), or
// as long as the scenario allows for being connected; the work; and ten seconds to end in order.
Duration deadline_of(const model::Scenario& scenario);

// One line of JSON. Throws Failure{software} for a client that calls nobody.
std::string client_job(const model::Scenario& scenario, const JobSettings& settings);

}  // namespace crypelab::services
