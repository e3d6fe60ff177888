#pragma once

#include "harness/base/address.h"

#include <optional>
#include <string>
#include <vector>

// The standard world: what is always there between the sites. Its addresses are of the documentation and benchmark
// ranges (RFC 5737, RFC 2544, RFC 3849), which look routable to a client; its names end in .test (RFC 6761).
namespace crypelab::model {

struct WorldName {
  std::string name;
  std::vector<Address> addresses;
};

struct WorldHost {
  std::string name;
  std::vector<Address> addresses;  // the first of each family is the host's own
};

// In the order of bring-up: dns, signal, turn-a, turn-b, web, reflector.
const std::vector<WorldHost>& world_hosts();
// Every public name of the standard services (networks.md, section 1).
const std::vector<WorldName>& world_names();

const WorldHost& world_host(const std::string& name);
// The addresses of a public name; nullptr if the world has no such name.
const WorldName* find_world_name(const std::string& name);

// Everything that belongs to the lab's own internet; a site's subnet may not overlap it.
const std::vector<Prefix>& world_ranges();

// What site number `index` (0-based, in the order of the file) gets on the internet.
Address site_public_v4(unsigned index,
                       unsigned generation = 0);  // 198.18.0.0/15; a renumbered site is of the next generation
Prefix site_transit_v4(unsigned index);           // the cable between edge and internet
Prefix site_transit_v6(unsigned index);
// What a NAT64's translator gives to the hosts of its site, seen by nobody else: beyond every carrier's block.
Prefix nat64_pool();
Prefix site_carrier_v4(unsigned index);  // between edge and carrier: 100.64.0.0/10 (RFC 6598)
// The subnet of a site that names none: private (RFC 1918) behind a NAT, public without.
Prefix site_default_subnet_v4(unsigned index, bool behind_nat);

}  // namespace crypelab::model
