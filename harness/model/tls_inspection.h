#pragma once

#include "harness/model/port_range.h"

#include <string>
#include <vector>

namespace crypelab::model {

// A box at the edge that opens TLS without being asked, and signs it anew by an authority of the company.
struct TlsInspection {
  std::vector<PortRange> ports;     // connections to these are taken
  bool trusted = true;              // the hosts of the site trust that authority
  std::vector<std::string> exempt;  // by SNI: these pass as they are; "*.x" covers all below x
  enum class Inside { anything, http } inside = Inside::anything;  // http: the first bytes are an HTTP/1 request
  bool private_accepted = false;  // servers whose authority nobody knows are opened and signed like all others
  bool operator==(const TlsInspection&) const = default;
};

// A box at the edge that ends TCP connections, waits for what looks like a ClientHello, and makes a second connection
// to where the first one was going. Unlike FirstBytes, nothing of TCP gets from end to end.
struct TlsRelay {
  std::vector<PortRange> ports;
  std::vector<std::string> sni;  // the names that may be asked for; "*.x" covers all below x; empty: any, or none
  bool operator==(const TlsRelay&) const = default;
};

}  // namespace crypelab::model
