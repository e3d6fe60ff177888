#pragma once

#include "clients/reference/ice/priority.h"
#include "clients/reference/turn/server_record.h"
#include "harness/base/result.h"

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::client::transport {

using ice::RelayedOver;

// A STUN or TURN URI (RFC 7064 §3.1, RFC 7065 §3.1) with its defaults filled in.
struct IceUri {
  enum class Scheme { stun, stuns, turn, turns } scheme = Scheme::stun;
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 0;
  bool tcp = false;  // transport=tcp; of turns the default
  auto operator<=>(const IceUri&) const = default;

  bool relays() const { return scheme == Scheme::turn || scheme == Scheme::turns; }
  RelayedOver over() const;
};
// Complains about what the grammar does not allow, unknown transports (T-11), and `stuns` with an address (RFC 8489
// §8.1, T-04).
Result<IceUri> parse_ice_uri(std::string_view text);
std::string to_string(const IceUri& uri);

// RTCIceServer.
struct IceServer {
  std::vector<IceUri> urls;
  std::string username;
  std::string credential;
};

}  // namespace crypelab::client::transport
