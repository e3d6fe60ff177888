#pragma once

#include "harness/services/process.h"

// tayga: the translator of a NAT64 (RFC 6145, RFC 6052). It gives each IPv6 host an IPv4 address of its pool; the NAT
// of the edge then makes one public address of them, which together is RFC 6146.
namespace crypelab::services {

struct Nat64Translator {
  std::string name;  // of the process
  std::string host;
  std::string interface;  // that it makes
  Prefix prefix;
  Prefix pool;  // IPv4; its second address is the translator's own
};
Process nat64_translator(const Nat64Translator& settings);

}  // namespace crypelab::services
