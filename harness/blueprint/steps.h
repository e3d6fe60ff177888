#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/blueprint/router_rules.h"

#include <vector>

// What changes while the lab runs: the scenario's steps in the kernel's terms.
namespace crypelab::blueprint {

// What holds over the whole timeline of each site; `plans` must outlive it.
std::vector<SiteFacts> site_facts(const model::Scenario& scenario, const std::vector<SitePlan>& plans);
std::vector<SiteState> initial_states(const model::Scenario& scenario, const std::vector<SiteFacts>& facts);

// The names of the world that a rule's domains stand for, and the domains themselves where the world has none.
std::vector<std::string> names_of(const std::vector<std::string>& domains);

// By time. `blueprint` holds hosts, cables and processes already.
std::vector<Step> draw_steps(const model::Scenario& scenario, const std::vector<SiteFacts>& facts,
                             const Blueprint& blueprint);

}  // namespace crypelab::blueprint
