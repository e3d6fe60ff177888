#pragma once

#include "clients/signaling/credential.h"
#include "clients/signaling/room.h"
#include "harness/base/address.h"
#include "harness/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace crypelab::signaling {

// All that the server is told. Secrets come from files or from the configuration, never from the command line, where
// everybody on the machine could read them.
struct Settings {
  std::vector<Endpoint> listen;
  std::string certificate;  // path of a PEM file: leaf first, then the chain
  std::string key;          // path of a PEM file
  Tokens tokens;
  IceServers ice;
  Limits limits;
  std::size_t connections = 16'384;  // at once; less if the descriptor limit is less
  std::size_t strangers = 2'048;     // of these, such as have not yet shown a token
  Time patience{10'000};             // for the TLS handshake, for one request, for a write to move
  Time ping{25'000};                 // WebSocket ping after so much silence; after twice of it the connection is dead
  int log = 1;                       // descriptor of the event log
};

// Reads the configuration document:
//   {"listen": ["127.0.0.1:8443"], "certificate": "...", "key": "...", "tokens": {"<token>": "<peer>"},
//    "turn": {"secret": "...", "urls": ["turn:..."], "lifetime": "1h"}, "limits": {"peers": 2, "message": "64KiB",
//    "room": "1MiB", "rooms": 20000, "total": "1GiB", "idle": "2min", "connections": 16384, "strangers": 2048},
//    "patience": "10s", "ping": "25s", "log": 1}
// into `settings` (members that are not named stay), or complains. Unknown members are errors.
Result<bool> read_settings(std::string_view text, Settings& settings);

// Reads {"<token>": "<peer>", ...}.
Result<bool> read_tokens(std::string_view text, Tokens& tokens);

// What is missing before a server can be made of them.
Result<bool> check_settings(const Settings& settings);

// The command line; throws Failure{usage} for nonsense, Failure{data} for a bad file. `help` is set to the text to
// print when help was asked for.
Settings settings_from(int argc, const char* const* argv, std::string& help);

}  // namespace crypelab::signaling
