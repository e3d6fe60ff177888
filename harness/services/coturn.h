#pragma once

#include "harness/model/turn.h"
#include "harness/services/process.h"

#include <string>
#include <string_view>
#include <vector>

// coturn, the TURN server that most people run.
namespace crypelab::services {

// Where a TURN server of the standard world is met, one address of each family for each purpose.
struct TurnAddresses {
  std::vector<Address> plain;     // port 3478, UDP and TCP; relays from here
  std::vector<Address> plain443;  // port 443, UDP and TCP
  std::vector<Address> tls;       // ports 443 and 5349, TLS
};
// `host` is a TURN server of the world.
TurnAddresses turn_addresses(const std::string& host);

// The certificate of that server as the scenario wants it.
Certificate turn_certificate(const std::string& host, const model::TurnServer& settings);

// `users` get long-term credentials if that is what is asked for: the password of NAME is the secret "turn-NAME". With
// time-limited ones the shared secret is "turn". The server listens on the addresses of its host, and nowhere else.
Process coturn(const std::string& host, const model::TurnServer& settings, const model::TurnAccess& access,
               const std::vector<std::string>& users);

// What a line of coturn 4.6's log (verbose, simple-log) says; nothing, if it says nothing of interest. Kinds:
//   connection {client}                       somebody connected over TCP or TLS
//   relay {address}                           the relayed address of the allocation that is reported next
//   allocation, refresh {session, user, lifetime, tls, cipher, method}
//   delete {session, user}                    the allocation is gone
//   request {session, user, method, error, reason}   error: 0 for success; method "message" when it did not get so far
//   peer {session, peer, lifetime}, peer-gone {session, peer}   permission or channel
//   usage, peer-usage {session, user, received_packets, received_bytes, sent_packets, sent_bytes}
//   closed {session, user, server, client, reason}   of connections from elsewhere
//   refused {user, reason}                    credentials that are wrong
std::vector<model::Event> read_coturn_log(std::string_view line);

}  // namespace crypelab::services
