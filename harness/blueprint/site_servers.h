#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/blueprint/site_plan.h"

#include <vector>

// The servers of a site that are no HTTP proxies: what hands out the PAC file, the SOCKS server.
namespace crypelab::blueprint {

std::vector<Host> draw_site_servers(const SitePlan& site);
std::vector<services::Process> site_server_processes(const SitePlan& site);
std::vector<Secret> site_server_secrets(const SitePlan& site);

}  // namespace crypelab::blueprint
