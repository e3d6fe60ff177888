#pragma once

#include "harness/blueprint/egress_rules.h"
#include "harness/blueprint/rule_table.h"
#include "harness/blueprint/site_plan.h"

#include <string>
#include <vector>

// The tables of the routers: edges, carriers, the internet.
namespace crypelab::blueprint {

// What steps change about a site.
struct SiteState {
  std::optional<EgressList> egress;
  model::Uplink uplink;
  unsigned public_generation = 0;
  unsigned mapping_generation = 0;  // of the NATs that move their mappings
};

// What holds for the whole run.
struct SiteFacts {
  const SitePlan* plan = nullptr;
  std::vector<EgressList> lists;  // every list that the border ever has
  std::vector<DomainSets> domains;
  bool user_space_uplink = false;  // the link loses packets itself
};

RuleTable edge_table(const SiteFacts& facts, const SiteState& state);
RuleTable carrier_table(const SiteFacts& facts, const SiteState& state);
RuleTable internet_table(const std::vector<SiteFacts>& sites, const std::vector<SiteState>& states);

std::vector<Counter> edge_counters(const SiteFacts& facts);
std::vector<Counter> carrier_counters(const SiteFacts& facts);
std::vector<Counter> internet_counters(const std::vector<SiteFacts>& sites);

}  // namespace crypelab::blueprint
