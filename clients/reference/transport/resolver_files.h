#pragma once

#include "harness/base/address.h"

#include <string>
#include <string_view>
#include <vector>

namespace crypelab::client::transport {

// resolv.conf(5), as much as a stub resolver needs. Lines that are not understood are left out.
struct ResolverFile {
  std::vector<Address> servers;  // at most 3; none in the file: 127.0.0.1
  std::vector<std::string> search;
  unsigned dots = 1;  // a name with so many is asked for as it stands first
};
ResolverFile parse_resolv_conf(std::string_view text);

// hosts(5): the addresses of one name, which is compared without regard to case.
std::vector<Address> hosts_of(std::string_view file, std::string_view name);

// The names to ask for, in order (resolv.conf(5), ndots). A final dot takes the name as it stands.
std::vector<std::string> names_to_ask(const ResolverFile& file, std::string_view name);

// `address` translated into this prefix of 32, 40, 48, 56, 64 or 96 bits (RFC 6052 §2.2).
Address embed(const Prefix& prefix, const Address& address);

}  // namespace crypelab::client::transport
