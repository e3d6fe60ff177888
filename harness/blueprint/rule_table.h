#pragma once

#include <string>
#include <vector>

// The nftables table that a router of the lab gets (`table inet crypelab`), as a value: printed whole for the bring-up,
// or as the difference between two of them for a step. The difference touches only what changed, so that counters,
// learnt addresses, NAT mappings and the position in a loss pattern survive.
namespace crypelab::blueprint {

struct RuleSetObject {  // an nft set or map
  std::string kind;     // "set" or "map"
  std::string name;
  std::string spec;  // "type ipv4_addr; flags interval;"
  std::vector<std::string> elements;
  unsigned epoch = 0;  // a set of another epoch begins empty: what packets had added is forgotten
  bool operator==(const RuleSetObject&) const = default;
};

struct RuleChain {
  std::string name;
  std::string hook;  // "type filter hook forward priority filter; policy accept;", or empty
  std::vector<std::string> rules;
  bool operator==(const RuleChain&) const = default;
};

struct RuleTable {
  std::vector<std::string> counters;
  std::vector<RuleSetObject> sets;
  std::vector<RuleChain> chains;
  bool operator==(const RuleTable&) const = default;
};

// The whole table; loading it twice gives the same as loading it once. No other table is touched.
std::string text_of(const RuleTable& table);

// What turns `before` into `after`; empty if they are equal. Elements that packets or the resolver added stay.
std::string difference(const RuleTable& before, const RuleTable& after);

// Empties the sets of another epoch once more, when `difference` is in force: a packet that comes while its transaction
// is prepared adds an element that outlives it, for an element that is on its way out counts as none (kernel 6.18,
// nft_rhash_update). Empty if there is no such set.
std::string second_emptying(const RuleTable& before, const RuleTable& after);

}  // namespace crypelab::blueprint
