#pragma once

#include "harness/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace crypelab::signaling {

// base64url without padding (RFC 4648 section 5), as in the subprotocol `crype.token.<...>`.
Result<std::string> decode_base64url(std::string_view text);

// Who may speak, by bearer token. Tokens are kept as SHA-256 only: a look-up takes as long whether or not a prefix is
// right, and nothing can print them.
class Tokens {
 public:
  // `peer` is_name, `token` is 1 to 1024 visible ASCII characters (RFC 6750's b64token is a subset).
  Result<bool> add(std::string_view token, std::string_view peer);
  // The peer's name, empty for an unknown token. Valid as long as this object.
  std::string_view peer(std::string_view token) const;
  bool empty() const { return peers_.empty(); }

 private:
  std::unordered_map<std::string, std::string> peers_;
};

// Where the clients find STUN and TURN, and coturn's shared secret (`use-auth-secret`, `static-auth-secret`).
struct IceServers {
  std::vector<std::string> urls;  // stun:, stuns:, turn:, turns: (RFC 7064, RFC 7065)
  std::string secret;             // empty: TURN URLs are given without credentials
  std::uint64_t lifetime = 3600;  // seconds that a credential is good for
};

struct TurnCredential {
  std::string username;    // "<unix time of expiry>:<peer>"
  std::string credential;  // base64(HMAC-SHA1(secret, username))
};
TurnCredential turn_credential(std::string_view secret, std::string_view peer, std::uint64_t expires);

// RTCIceServer list (W3C WebRTC section 4.2.2) as JSON: one entry with the stun URLs, one with the turn URLs and
// credentials that expire `lifetime` after `unix_now`.
std::string ice_servers_json(const IceServers& servers, std::string_view peer, std::uint64_t unix_now);

}  // namespace crypelab::signaling
