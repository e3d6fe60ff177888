#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/blueprint/site_plan.h"

#include <string>
#include <vector>

// The proxies of a site: their hosts, their programs, and what the rest of the site needs to know of them.
namespace crypelab::blueprint {

std::vector<Host> draw_proxy_hosts(const SitePlan& site);
std::vector<services::Process> proxy_processes(const SitePlan& site);
std::vector<Secret> proxy_secrets(const SitePlan& site);
// The proxy on the host of a client that has one.
services::Process agent_process(const model::Client& client, const SitePlan& site);
// Hosts of the site trust the authority that signs what a proxy has opened.
bool trusts_inspection(const model::Site& site);

}  // namespace crypelab::blueprint
