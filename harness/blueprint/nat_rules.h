#pragma once

#include "harness/blueprint/rule_table.h"
#include "harness/model/network.h"

#include <string>

// A NAT (RFC 4787, RFC 5382) out of nftables and connection tracking, IPv4, for UDP and TCP; ICMP is masqueraded.
//
// Connection tracking alone is a NAT of address-and-port-dependent filtering that keeps the port where it can; it has
// no notion of a mapping. Here the mapping is a map of our own: internal endpoint (and the destination, as far as the
// mapping depends on it) -> external port, learnt from the first packet's translation, looked up by every later flow,
// refreshed by outbound packets (RFC 4787 REQ-6) and gone after the timer. A second map, external port -> internal
// endpoint, lets packets in as far as the filtering allows. An external port never serves two internal endpoints
// (RFC 4787 REQ-3). Unsolicited packets leave no trace: they are dropped before connection tracking confirms them.
namespace crypelab::blueprint {

struct NatPlace {
  std::string inside;   // nft: interface names, quoted, in a list: "\"lan0\", \"nat64\""
  std::string lan;      // where hairpin comes from and goes to
  std::string outside;  // one interface name
  std::string public_address;
  unsigned generation = 0;  // how often the mappings have moved to other ports
  unsigned epoch = 0;       // how often they have been forgotten
};

// Adds sets, chains and counters to `table`. Expects it to call these chains, for IPv4:
//   nat_unsolicited   from the inbound path, for a packet of state new: returns if the filtering lets it pass
//   nat_hairpin       from the path LAN to LAN, for a packet whose destination was translated; ends in accept or drop
// and a counter "unsolicited" to exist.
void add_nat(RuleTable& table, const model::Nat& nat, const NatPlace& place);

}  // namespace crypelab::blueprint
