#include "harness/blueprint/topology.h"

#include "harness/base/error.h"
#include "harness/model/world.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace crypelab::blueprint {
namespace {

constexpr const char* kInternet = "internet";

// The internet's own end of the cable to a world host is the same on all of them: the first address of its own range.
Address world_gateway4() { return *parse_address("192.0.2.1"); }
Address world_gateway6() { return *parse_address("2001:db8:53::1"); }
Prefix everywhere4() { return {*parse_address("0.0.0.0"), 0}; }
Prefix everywhere6() { return {*parse_address("::"), 0}; }
Prefix alone(const Address& address) { return {address, address.bits()}; }

std::vector<Sysctl> common_sysctls() {
  return {
      {"ipv4/ip_unprivileged_port_start", "0"},
      {"ipv4/ping_group_range", "0 2147483647"},
      // Addresses are given, never learnt, and usable at once.
      {"ipv6/conf/all/accept_ra", "0"},
      {"ipv6/conf/default/accept_ra", "0"},
      {"ipv6/conf/all/accept_dad", "0"},
      {"ipv6/conf/default/accept_dad", "0"},
      {"ipv6/conf/default/dad_transmits", "0"},
      {"ipv6/conf/all/keep_addr_on_down", "1"},
      {"ipv6/conf/default/keep_addr_on_down", "1"},
      {"ipv4/conf/all/rp_filter", "0"},
      {"ipv4/conf/default/rp_filter", "0"},
      {"ipv4/conf/default/promote_secondaries", "1"},
      // An address that has gone (a renumbered site, a lost cable) is noticed now, not after a neighbour's time-out.
      {"ipv4/conf/default/ignore_routes_with_linkdown", "1"},
      {"ipv6/conf/default/ignore_routes_with_linkdown", "1"},
  };
}

// Routers answer every packet that deserves an ICMP message, without the kernel's rate limits, and never redirect.
std::vector<Sysctl> router_sysctls() {
  auto sysctls = common_sysctls();
  for (const auto& more : std::vector<Sysctl>{
           {"ipv4/ip_forward", "1"},
           {"ipv6/conf/all/forwarding", "1"},
           {"ipv6/conf/default/forwarding", "1"},
           {"ipv4/icmp_ratemask", "0"},
           {"ipv6/icmp/ratelimit", "0"},
           {"ipv4/conf/all/send_redirects", "0"},
           {"ipv4/conf/default/send_redirects", "0"},
       }) {
    sysctls.push_back(more);
  }
  return sysctls;
}

std::string seconds(Duration duration) {
  return fmt::format("{}", std::max<long long>(1, std::chrono::ceil<std::chrono::seconds>(duration).count()));
}

void add_tracking(std::vector<Sysctl>& sysctls, const std::optional<model::Nat>& nat) {
  sysctls.push_back({"netfilter/nf_conntrack_acct", "1"});
  if (!nat) return;
  sysctls.push_back({"netfilter/nf_conntrack_udp_timeout", seconds(nat->udp_timer)});
  sysctls.push_back({"netfilter/nf_conntrack_udp_timeout_stream", seconds(nat->udp_timer)});
  sysctls.push_back({"netfilter/nf_conntrack_tcp_timeout_established", seconds(nat->tcp_timer)});
}

std::vector<Prefix> present(std::initializer_list<std::optional<Prefix>> prefixes) {
  std::vector<Prefix> all;
  for (const auto& prefix : prefixes) {
    if (prefix) all.push_back(*prefix);
  }
  return all;
}

// Whether a site's IPv4 subnet is reachable as it is.
bool routed4(const SitePlan& site) { return site.lan4 && !site.site->nat; }

const SitePlan& site_named(const std::vector<SitePlan>& sites, const std::string& name) {
  const auto found = std::ranges::find_if(sites, [&](const SitePlan& plan) { return plan.site->name == name; });
  if (found == sites.end()) throw Failure(Exit::software, "no site is called '" + name + "'");
  return *found;
}

const ClientPort& port_of(const SitePlan& site, const std::string& client) {
  const auto found =
      std::ranges::find_if(site.ports, [&](const ClientPort& port) { return port.client->name == client; });
  if (found == site.ports.end()) throw Failure(Exit::software, client + " is not at " + site.site->name);
  return *found;
}

std::string interface_of(const ClientPort& port) { return fmt::format("eth{}", port.interface); }

std::vector<Prefix> destinations(const model::ClientRoute& route) {
  if (const auto* prefix = std::get_if<Prefix>(&route.to)) return {*prefix};
  std::vector<Prefix> all;
  const auto& name = std::get<std::string>(route.to);
  if (const auto* found = model::find_world_name(name)) {
    for (const auto& address : found->addresses) all.push_back(alone(address));
  } else {
    for (const auto& address : model::world_host(name).addresses) all.push_back(alone(address));
  }
  return all;
}

Cable plain(End a, End b) {
  Cable cable;
  cable.a = std::move(a);
  cable.b = std::move(b);
  return cable;
}

}  // namespace

Route default_route4(const SitePlan& site) { return {everywhere4(), site.internet4.address, kWan}; }

std::vector<Route> inward_routes(const SitePlan& site, unsigned generation) {
  std::vector<Route> routes;
  const auto& device = site.internet_interface;
  if (routed4(site) && !site.site->carrier) {
    routes.push_back({{site.lan4->network(), site.lan4->length}, public_prefix(site, generation).address, device});
  }
  return routes;
}

Host draw_internet(const std::vector<SitePlan>& sites) {
  Host host;
  host.name = kInternet;
  host.role = Role::internet;
  host.sysctls = router_sysctls();
  for (const auto& world : model::world_hosts()) {
    host.interfaces.push_back({world.name, {alone(world_gateway4()), alone(world_gateway6())}, "", false});
    for (const auto& address : world.addresses) host.routes.push_back({alone(address), std::nullopt, world.name});
  }
  for (const auto& site : sites) {
    host.interfaces.push_back({site.internet_interface, present({site.internet4, site.internet6}), "", false});
    for (auto& route : inward_routes(site, 0)) host.routes.push_back(std::move(route));
    if (site.lan6) {
      host.routes.push_back(
          {{site.lan6->network(), site.lan6->length}, site.public6->address, site.internet_interface});
      if (site.has_carrier()) {
        host.routes.push_back(
            {{site.inner6->network(), site.inner6->length}, site.public6->address, site.internet_interface});
      }
    }
  }
  return host;
}

Host draw_world_host(const std::string& name) {
  Host host;
  host.name = name;
  host.role = Role::world;
  host.sysctls = common_sysctls();
  Interface interface { "eth0", {}, "", false };
  for (const auto& address : model::world_host(name).addresses) interface.addresses.push_back(alone(address));
  host.interfaces.push_back(std::move(interface));
  for (const auto& [gateway, everywhere] :
       {std::pair(world_gateway4(), everywhere4()), std::pair(world_gateway6(), everywhere6())}) {
    host.routes.push_back({alone(gateway), std::nullopt, "eth0"});
    host.routes.push_back({everywhere, gateway, "eth0"});
  }
  host.resolvers = {model::world_host("dns").addresses.front()};
  return host;
}

Host draw_carrier(const SitePlan& site) {
  Host host;
  host.name = site.carrier;
  host.role = Role::carrier;
  host.site = site.site->name;
  host.sysctls = router_sysctls();
  add_tracking(host.sysctls, site.site->carrier);
  host.interfaces.push_back({kLan, present({site.carrier_lan4, site.carrier_lan6}), "", false});
  host.interfaces.push_back({kWan, present({site.public4, site.public6}), "", false});
  host.routes.push_back(default_route4(site));
  if (routed4(site)) host.routes.push_back({{site.lan4->network(), site.lan4->length}, site.inner4.address, kLan});
  if (site.lan6) {
    host.routes.push_back({everywhere6(), site.internet6->address, kWan});
    host.routes.push_back({{site.lan6->network(), site.lan6->length}, site.inner6->address, kLan});
  }
  host.resolvers = {model::world_host("dns").addresses.front()};
  return host;
}

Host draw_edge(const SitePlan& site) {
  Host host;
  host.name = site.edge;
  host.role = Role::edge;
  host.site = site.site->name;
  host.sysctls = router_sysctls();
  add_tracking(host.sysctls, site.site->nat);
  host.bridges.push_back({kLan, present({site.lan4, site.lan6})});
  host.interfaces.push_back({kWan, present({site.wan4(), site.wan6()}), "", false});
  // Isolated ports reach those that are not: servers, and the router.
  for (const auto& server : site.servers) host.interfaces.push_back({server.port, {}, kLan, false});
  for (const auto& port : site.ports) host.interfaces.push_back({port.port, {}, kLan, site.site->isolation});
  host.routes.push_back({everywhere4(), site.gateway4(), kWan});
  if (const auto gateway = site.gateway6()) host.routes.push_back({everywhere6(), *gateway, kWan});
  if (site.site->nat64) {
    for (const auto& to : {site.site->nat64->prefix, model::nat64_pool()}) {
      host.tunnel_routes.push_back({to, std::nullopt, kNat64});
    }
  }
  host.resolvers = {model::world_host("dns").addresses.front()};
  return host;
}

std::vector<Address> world_resolvers(bool ipv4, bool ipv6) {
  std::vector<Address> found;
  for (const auto& address : model::world_host("dns").addresses) {
    if (address.is_v4() ? ipv4 : ipv6) found.push_back(address);
  }
  return {found.front()};
}

Host draw_server(const SitePlan& site, const SiteServer& server) {
  Host host;
  host.name = server.host;
  host.role = Role::server;
  host.site = site.site->name;
  host.sysctls = common_sysctls();
  host.interfaces.push_back({"eth0", present({server.address4, server.address6}), "", false});
  for (const auto& address : site.lan_addresses()) {
    host.routes.push_back({address.is_v4() ? everywhere4() : everywhere6(), address, "eth0"});
  }
  host.resolvers = site.lan_addresses();
  return host;
}

Host draw_client(const model::Client& client, const std::vector<SitePlan>& sites) {
  Host host;
  host.name = client.name;
  host.role = Role::client;
  host.site = client.sites.empty() ? "" : client.sites.front();
  host.sysctls = common_sysctls();
  const bool multi_homed = client.sites.size() > 1;
  for (const auto& name : client.sites) {
    const auto& site = site_named(sites, name);
    const auto& port = port_of(site, client.name);
    const auto device = interface_of(port);
    host.interfaces.push_back({device, present({port.address4, port.address6}), "", false});
    for (const auto& address : site.lan_addresses()) {
      const auto everywhere = address.is_v4() ? everywhere4() : everywhere6();
      const auto& own = address.is_v4() ? *port.address4 : *port.address6;
      // The first site holds the default route; the others wait behind it, in case its cable goes.
      Route route{everywhere, address, device};
      route.metric = multi_homed ? 100 * (port.interface + 1) : 0;
      host.routes.push_back(route);
      if (!multi_homed) continue;
      // What is sent from an address leaves by the interface that has it, whatever the destination.
      const unsigned table = 100 + port.interface;
      host.routes.push_back({{own.network(), own.length}, std::nullopt, device, table});
      host.routes.push_back({everywhere, address, device, table});
      host.policy_rules.push_back({alone(own.address), table});
    }
    if (host.resolvers.empty()) {
      host.resolvers = site.lan_addresses();
      if (site.site->pac && site.site->pac->wpad) host.search = domain_name(site.site->name);
    }
  }
  for (const auto& route : client.routes) {
    const auto& site = site_named(sites, route.via);
    const auto device = interface_of(port_of(site, client.name));
    for (const auto& to : destinations(route)) {
      const auto& gateway = to.address.is_v4() ? site.lan4 : site.lan6;
      if (gateway) host.routes.push_back({{to.network(), to.length}, gateway->address, device});
    }
  }
  return host;
}

std::vector<Cable> draw_cables(const std::vector<SitePlan>& sites) {
  std::vector<Cable> cables;
  for (const auto& world : model::world_hosts()) {
    cables.push_back(plain({world.name, "eth0"}, {kInternet, world.name}));
  }
  for (const auto& site : sites) {
    const End internet{kInternet, site.internet_interface};
    Cable uplink = plain({site.edge, kWan}, site.has_carrier() ? End{site.carrier, kLan} : internet);
    uplink.a_to_b = site.site->uplink.up;
    uplink.b_to_a = site.site->uplink.down;
    uplink.mtu = site.site->uplink.mtu;
    cables.push_back(uplink);
    if (site.has_carrier()) cables.push_back(plain({site.carrier, kWan}, internet));
    for (const auto& server : site.servers) {
      cables.push_back(plain({server.host, "eth0"}, {site.edge, server.port}));
    }
    for (const auto& port : site.ports) {
      cables.push_back(plain({port.client->name, interface_of(port)}, {site.edge, port.port}));
    }
  }
  return cables;
}

std::size_t uplink_cable(const std::vector<Cable>& cables, const SitePlan& site) {
  const auto found = std::ranges::find(cables, End{site.edge, kWan}, &Cable::a);
  return static_cast<std::size_t>(found - cables.begin());
}

std::size_t client_cable(const std::vector<Cable>& cables, const SitePlan& site, const std::string& client) {
  const auto found = std::ranges::find_if(
      cables, [&](const Cable& cable) { return cable.a.host == client && cable.b.host == site.edge; });
  return static_cast<std::size_t>(found - cables.begin());
}

}  // namespace crypelab::blueprint
