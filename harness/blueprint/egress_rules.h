#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/blueprint/rule_table.h"

#include <map>
#include <string>
#include <vector>

// The border's ordered list as nft chains. Every packet is judged, of both directions: outbound by where it goes,
// inbound by where it comes from, so that a rule that changes in the middle of a flow silences both directions at once.
namespace crypelab::blueprint {

// The sets that take the addresses of the domains of one rule: of the same names, the same sets.
struct DomainSets {
  std::vector<std::string> domains;
  std::string set4;
  std::string set6;
};

// One list of rules; a step that replaces the list brings the next generation, with counters of its own.
struct EgressList {
  const std::vector<model::EgressRule>* rules = nullptr;
  unsigned generation = 0;
};

// Name of a rule's counters, without "_out" and "_in": "egress_1", "egress_2_1" for the list of the first step.
// `rule` counts from 1; 0 is the drop at the end of the list.
std::string egress_name(unsigned generation, std::size_t rule);

// Adds chains egress_out and egress_in, which end in a verdict, with everything that they need but the counters.
void add_egress(RuleTable& table, const EgressList& list, const std::vector<DomainSets>& sets);

// All counters of a list, with what they mean.
std::vector<Counter> egress_counters(const std::string& host, const std::string& site, const EgressList& list);

}  // namespace crypelab::blueprint
