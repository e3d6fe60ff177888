#include "harness/blueprint/site_servers.h"

#include "harness/blueprint/topology.h"
#include "harness/services/pac_server.h"
#include "harness/services/socks.h"

#include <fmt/format.h>

namespace crypelab::blueprint {
namespace {

services::Process socks_process(const SitePlan& site, const SiteServer& server) {
  services::SocksSettings settings;
  settings.process = settings.host = server.host;
  settings.full_name = server.full_name;
  if (server.address4) settings.addresses.push_back(server.address4->address);
  if (server.address6) settings.addresses.push_back(server.address6->address);
  settings.socks = *site.site->socks;
  return services::socks(settings);
}

}  // namespace

std::vector<Host> draw_site_servers(const SitePlan& site) {
  std::vector<Host> hosts;
  for (const auto* name : {kPac, kSocks}) {
    const auto* server = find_server(site, server_host(site.site->name, name));
    if (server == nullptr) continue;
    hosts.push_back(draw_server(site, *server));
    if (server->own_egress)
      hosts.back().resolvers = world_resolvers(server->address4.has_value(), server->address6.has_value());
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
  if (const auto* server = find_server(site, server_host(site.site->name, kSocks)))
    processes.push_back(socks_process(site, *server));
  return processes;
}

std::vector<Secret> site_server_secrets(const SitePlan& site) {
  std::vector<Secret> secrets;
  if (!site.site->socks) return secrets;
  for (const auto& user : site.site->socks->users)
    secrets.push_back({fmt::format("{}/{}", server_host(site.site->name, kSocks), user.name), user.password});
  return secrets;
}

}  // namespace crypelab::blueprint
