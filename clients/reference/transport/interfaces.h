#pragma once

#include "harness/base/address.h"

#include <vector>

namespace crypelab::client::transport {

// The addresses of this machine that a candidate may have (RFC 8445 §5.1.1.1): of interfaces that are up, each address
// once; without loopback and link-local ones, and one of each interface's IPv6 networks. With `all` every address that
// there is. Throws Failure.
std::vector<Address> local_addresses(bool all = false);

// The address that packets to `remote` would leave from; 0.0.0.0 or :: when there is no route.
Address source_towards(const Endpoint& remote);

}  // namespace crypelab::client::transport
