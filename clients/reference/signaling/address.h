#pragma once

#include "harness/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace crypelab::client::signaling {

// Where a room is: wss: or https: URLs of the job.
struct RoomAddress {
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 443;
  std::string path;       // "/v1/rooms/r1"
  std::string authority;  // for the Host field: the port stands there only when it is not 443
  bool operator==(const RoomAddress&) const = default;
};
// Complains about another scheme, user information, and a URL without host.
Result<RoomAddress> parse_room_address(std::string_view url);

}  // namespace crypelab::client::signaling
