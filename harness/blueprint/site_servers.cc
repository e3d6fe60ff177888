#include "harness/blueprint/site_servers.h"

#include "harness/blueprint/topology.h"
#include "harness/services/pac_server.h"

namespace crypelab::blueprint {

std::vector<Host> draw_site_servers(const SitePlan& site) {
  std::vector<Host> hosts;
  for (const auto* name : {kPac}) {
    if (const auto* server = find_server(site, server_host(site.site->name, name)))
      hosts.push_back(draw_server(site, *server));
  }
  return hosts;
}

std::vector<services::Process> site_server_processes(const SitePlan& site) {
  std::vector<services::Process> processes;
  const auto& pac = site.site->pac;
  if (pac && pac->state != model::ServerState::stopped) {
    const auto host = server_host(site.site->name, kPac);
    processes.push_back(services::pac_server({.process = host, .host = host, .pac = *pac}));
  }
  return processes;
}

}  // namespace crypelab::blueprint
