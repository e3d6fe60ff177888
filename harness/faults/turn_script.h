#pragma once

#include "harness/base/address.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What a TURN server of ours is to do wrong, and when.
namespace crypelab::faults {

using Millis = std::chrono::milliseconds;

enum class TurnOccasion { any, binding, allocate, refresh, remove, create_permission, channel_bind };

// What is done with a request.
struct TurnAct {
  unsigned error = 0;                   // 300 to 699; 0: what a good server would do
  bool silent = false;                  // no answer
  std::optional<unsigned> lifetime;     // seconds that are granted instead of those asked for
  std::vector<Endpoint> alternate;      // of a 300: the one of the family of the client's address is named
  std::vector<Endpoint> alternate_tls;  // the same for clients that came over TLS
  Millis delay{0};                      // before the answer
  bool bad_integrity = false;
  bool no_integrity = false;
  bool unknown_required = false;  // the answer has an attribute that must be understood, and is not
  bool unknown_optional = false;
  bool other_family = false;  // the relayed address is of the family that was not asked for
  bool uninvited = false;     // a Data indication from a peer without permission follows
  bool operator==(const TurnAct&) const = default;
};

struct TurnRule {
  TurnOccasion on = TurnOccasion::any;
  unsigned skip = 0;              // so many such requests first go by
  std::optional<unsigned> times;  // then the rule holds for so many; absent: for all
  TurnAct act;
  bool operator==(const TurnRule&) const = default;
};

// What a server asks of its users (RFC 8489 section 9.2).
enum class TurnAlgorithms {
  md5,       // nothing is announced
  sha256,    // the nonce announces algorithms, and SHA-256 and MD5 are listed
  bid_down,  // the nonce announces algorithms, and none is listed: somebody has taken them out
};

struct TurnSettings {
  std::vector<Endpoint> udp;
  std::vector<Endpoint> tcp;
  std::vector<Endpoint> tls;
  std::string certificate;  // PEM files, for `tls`
  std::string key;
  std::vector<Address> relays;  // at most one of each family
  std::string realm;
  std::map<std::string, std::string> users;  // long-term credentials
  std::string secret;                        // of time-limited ones; empty: there are none
  TurnAlgorithms algorithms = TurnAlgorithms::md5;
  Millis nonce_life{3'600'000};
  std::size_t segment = 0;  // over TCP and TLS answers go in pieces of so many bytes; 0: whole
  std::vector<TurnRule> rules;
};

// From JSON: {"udp", "tcp", "tls": endpoints, "certificate", "key", "relays": addresses, "realm", "users": {name:
// password}, "secret", "algorithms": "md5" | "sha-256" | "bid-down", "nonce_life_ms", "segment", "rules": [{"on":
// "allocate", "skip", "times", "error", "silent", "lifetime", "alternate", "alternate_tls": endpoints, "delay_ms",
// "bad_integrity", "no_integrity", "unknown_required", "unknown_optional", "other_family", "uninvited"}]}. Throws
// Failure{data}.
TurnSettings parse_turn_settings(std::string_view json);

// Which rule holds: the first one that has not been used up. Counts requests.
class TurnScript {
 public:
  explicit TurnScript(std::vector<TurnRule> rules) : rules_(std::move(rules)), met_(rules_.size(), 0) {}

  TurnAct act(TurnOccasion occasion);

 private:
  std::vector<TurnRule> rules_;
  std::vector<unsigned long long> met_;  // by each rule: requests of its kind that no earlier rule took
};

}  // namespace crypelab::faults
