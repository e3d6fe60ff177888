#pragma once

#include "harness/model/port_range.h"
#include "harness/model/proxy.h"

#include <cstdint>
#include <vector>

namespace crypelab::model {

// A SOCKS5 server (RFC 1928) of a site, socks.SITE.test: CONNECT alone; BIND and UDP ASSOCIATE are refused.
struct Socks {
  std::uint16_t port = 1080;
  std::vector<ProxyUser> users;          // with their passwords (RFC 1929); none: everybody may use it
  std::vector<PortRange> connect_ports;  // elsewhere is refused; none: everywhere
  bool operator==(const Socks&) const = default;
};

}  // namespace crypelab::model
