#pragma once

#include "harness/blueprint/blueprint.h"
#include "harness/blueprint/site_plan.h"

#include <vector>

// Hosts and cables: who is connected to whom, with which addresses and routes.
namespace crypelab::blueprint {

Host draw_internet(const std::vector<SitePlan>& sites);
Host draw_world_host(const std::string& name);
Host draw_carrier(const SitePlan& site);
Host draw_edge(const SitePlan& site);
// The internet's own DNS, as a host asks it that has addresses of these families.
std::vector<Address> world_resolvers(bool ipv4, bool ipv6);
Host draw_server(const SitePlan& site, const SiteServer& server);
Host draw_client(const model::Client& client, const std::vector<SitePlan>& sites);

// In the order of bring-up: the world's, then of each site its uplink (see uplink_cable), the carrier's, the servers',
// the clients'.
std::vector<Cable> draw_cables(const std::vector<SitePlan>& sites);
// The index of the cable between a site's edge (end a) and what is behind it.
std::size_t uplink_cable(const std::vector<Cable>& cables, const SitePlan& site);
// The index of the cable between a client (end a) and a site's edge.
std::size_t client_cable(const std::vector<Cable>& cables, const SitePlan& site, const std::string& client);

// The default route out of the LAN-side of the internet: what a renumbered border needs anew.
Route default_route4(const SitePlan& site);
// Routes of the internet to what lies behind a border of that generation without translation.
std::vector<Route> inward_routes(const SitePlan& site, unsigned generation);

}  // namespace crypelab::blueprint
