#pragma once

#include "harness/base/units.h"

#include <optional>
#include <string>
#include <vector>

namespace crypelab::model {

// A firewall that looks at how a TCP connection begins: it passes if its first bytes are what may be inside, packet by
// packet, the connection staying one from end to end.
struct FirstBytes {
  enum class Inside { tls, http, web } inside = Inside::tls;  // web: either of the two
  bool sni_required = false;                                  // a ClientHello must name its server
  std::vector<std::string> sni;                               // and one of these; "*.x" covers subdomains; empty: any
  std::vector<std::string> alpn;                              // it may offer no other protocol; empty: any
  enum class Otherwise { drop, reset } otherwise = Otherwise::drop;  // reset: both sides
  std::optional<ByteCount> after;  // what is refused passes up to so many bytes (both directions), then falls silent
  bool operator==(const FirstBytes&) const = default;
};

// What a UDP datagram carries.
enum class Payload { any, stun };  // stun: the magic cookie (RFC 8489 section 5)

}  // namespace crypelab::model
