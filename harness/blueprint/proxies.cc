#include "harness/blueprint/proxies.h"

#include "harness/base/error.h"
#include "harness/blueprint/realm.h"
#include "harness/blueprint/topology.h"
#include "harness/model/world.h"
#include "harness/services/fault_proxy.h"
#include "harness/services/squid.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::blueprint {
namespace {

const SiteServer& server_of(const SitePlan& site, const std::string& proxy) {
  const auto* server = find_server(site, server_host(site.site->name, proxy));
  if (server == nullptr) throw Failure(Exit::software, fmt::format("{} has no proxy {}", site.site->name, proxy));
  return *server;
}

void set_parent(services::ProxySettings& settings, const SitePlan& site, const std::string& name) {
  const auto& parent = server_of(site, name);
  const auto found = std::ranges::find(site.site->proxies, name, &model::Proxy::name);
  settings.parent = Endpoint{parent.address4 ? parent.address4->address : parent.address6->address, found->port};
  settings.parent_name = parent.full_name;
  settings.parent_process = server_host(site.site->name, name);
}

// A proxy asks the internet's own DNS, whatever the site's resolver says to clients.
services::ProxySettings settings_of(const SitePlan& site, const model::Proxy& proxy) {
  services::ProxySettings settings;
  settings.process = server_host(site.site->name, proxy.name);
  settings.full_name = server_name(site.site->name, proxy.name);
  settings.realm = realm_name(site.site->name);
  settings.proxy = proxy;
  if (proxy.transparent) {
    settings.host = site.edge;
    settings.resolvers = world_resolvers(true, true);
    return settings;
  }
  const auto& server = server_of(site, proxy.name);
  if (proxy.offers(model::AuthScheme::negotiate)) settings.kerberos = realm_of(site);
  settings.host = server.host;
  settings.resolvers = world_resolvers(server.address4.has_value(), server.address6.has_value());
  if (!proxy.via.empty()) set_parent(settings, site, proxy.via);
  return settings;
}

// Which program is this proxy. A network that would silently be another one is worse than none.
services::Process implementation_of(const services::ProxySettings& settings) {
  if (settings.proxy.faults) return services::fault_proxy(settings);
  if (settings.proxy.lifetime) {
    throw Failure(
        Exit::unavailable,
        fmt::format("{}: the lab has no program for 'lifetime': Squid does not end a tunnel in which something "
                    "moves; for silent tunnels write 'idle'",
                    settings.process));
  }
  return services::squid(settings);
}

}  // namespace

std::vector<Host> draw_proxy_hosts(const SitePlan& site) {
  std::vector<Host> hosts;
  for (const auto& proxy : site.site->proxies) {
    if (proxy.transparent) continue;
    hosts.push_back(draw_server(site, server_of(site, proxy.name)));
    hosts.back().resolvers = settings_of(site, proxy).resolvers;
  }
  if (const auto* kdc = find_server(site, server_host(site.site->name, kKdc))) hosts.push_back(draw_server(site, *kdc));
  return hosts;
}

std::vector<services::Process> proxy_processes(const SitePlan& site) {
  std::vector<services::Process> processes;
  for (const auto& proxy : site.site->proxies) processes.push_back(implementation_of(settings_of(site, proxy)));
  if (const auto realm = realm_of(site)) {
    const auto name = server_host(site.site->name, kKdc);
    processes.push_back(services::key_distribution_center(*realm, name, name));
  }
  return processes;
}

services::Process agent_process(const model::Client& client, const SitePlan& site) {
  services::ProxySettings settings;
  settings.process = client.name + ".agent";
  settings.host = client.name;
  settings.full_name = fmt::format("agent.{}.{}", client.name, domain_name(site.site->name));
  settings.realm = realm_name(site.site->name);
  settings.resolvers = site.lan_addresses();
  settings.proxy.port = client.agent->port;
  settings.loopback = true;
  set_parent(settings, site, client.agent->via);
  return services::squid(settings);
}

std::vector<Secret> proxy_secrets(const SitePlan& site) {
  std::vector<Secret> secrets;
  for (const auto& proxy : site.site->proxies) {
    for (const auto& user : proxy.users)
      secrets.push_back({fmt::format("{}/{}", server_host(site.site->name, proxy.name), user.name), user.password});
  }
  return secrets;
}

bool trusts_inspection(const model::Site& site) {
  return (site.tls_inspection && site.tls_inspection->trusted) ||
         std::ranges::any_of(site.proxies, [](const auto& proxy) { return proxy.inspect && proxy.inspect->trusted; });
}

}  // namespace crypelab::blueprint
