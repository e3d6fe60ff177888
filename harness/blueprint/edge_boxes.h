#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/blueprint/rule_table.h"
#include "harness/blueprint/site_plan.h"

#include <vector>

// What stands at a site's edge and takes connections that were meant for others: a transparent proxy, a box that opens
// TLS, a box that relays it, a captive portal.
namespace crypelab::blueprint {

inline constexpr const char* kIntercepted = "intercepted";  // counts what the transparent proxy takes
inline constexpr const char* kPortalOut = "portal_out";     // and what a captive portal holds back

std::vector<services::Process> edge_box_processes(const SitePlan& site);

// The chains, sets and rules that lead connections to them. To be called when the chains "outbound" and "inbound" are
// there.
void add_edge_boxes(RuleTable& table, const SitePlan& site);
std::vector<Counter> edge_box_counters(const SitePlan& site);

}  // namespace crypelab::blueprint
