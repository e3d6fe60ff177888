#include "harness/blueprint/site_plan.h"

#include "harness/model/world.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::blueprint {
namespace {

// Address number `offset` of a subnet, with the subnet's length.
Prefix member(const Prefix& subnet, std::uint64_t offset) { return {subnet.network().plus(offset), subnet.length}; }

constexpr std::uint64_t kUsualFirst = 10;

// Where clients begin: .10, as people do it, unless the subnet is too small for that.
std::uint64_t first_client(const Prefix& subnet, std::size_t clients) {
  const unsigned host_bits = subnet.address.bits() - subnet.length;
  if (host_bits >= 16) return kUsualFirst;
  return (std::uint64_t{1} << host_bits) > kUsualFirst + clients ? kUsualFirst : 2;
}

// Servers stand below the clients; where those begin at the bottom, behind them.
std::uint64_t first_server(const Prefix& subnet, std::size_t clients) {
  const auto first = first_client(subnet, clients);
  return first == kUsualFirst ? 2 : first + clients;
}

std::vector<std::string> other_names(const model::Site& site, const std::string& server) {
  if (server == kPac && site.pac->wpad) return {server_name(site.name, "wpad")};
  const auto proxy = std::ranges::find(site.proxies, server, &model::Proxy::name);
  return proxy == site.proxies.end() ? std::vector<std::string>() : proxy->names;
}

std::vector<std::string> server_names(const model::Site& site) {
  std::vector<std::string> names;
  for (const auto& proxy : site.proxies) {
    if (!proxy.transparent) names.push_back(proxy.name);
  }
  const auto negotiates = [](const model::Proxy& proxy) { return proxy.offers(model::AuthScheme::negotiate); };
  if (std::ranges::any_of(site.proxies, negotiates)) names.emplace_back("kdc");
  if (site.pac) names.emplace_back(kPac);
  if (site.socks) names.emplace_back(kSocks);
  return names;
}

void place_servers(SitePlan& plan) {
  const auto names = server_names(*plan.site);
  for (std::size_t i = 0; i < names.size(); ++i) {
    SiteServer server;
    server.host = server_host(plan.site->name, names[i]);
    server.full_name = server_name(plan.site->name, names[i]);
    server.port = fmt::format("server{}", i);
    server.other_names = other_names(*plan.site, names[i]);
    server.own_egress = names[i] != kPac;
    if (plan.lan4) server.address4 = member(*plan.lan4, first_server(*plan.lan4, plan.ports.size()) + i);
    if (plan.lan6) server.address6 = member(*plan.lan6, first_server(*plan.lan6, plan.ports.size()) + i);
    plan.servers.push_back(std::move(server));
  }
}

void place_clients(SitePlan& plan, const model::Scenario& scenario) {
  for (const auto& client : scenario.clients) {
    const auto found = std::ranges::find(client.sites, plan.site->name);
    if (found == client.sites.end()) continue;
    ClientPort port;
    port.client = &client;
    port.interface = static_cast<unsigned>(found - client.sites.begin());
    port.port = fmt::format("port{}", plan.ports.size());
    plan.ports.push_back(std::move(port));
  }
  for (std::size_t i = 0; i < plan.ports.size(); ++i) {
    if (plan.lan4) plan.ports[i].address4 = member(*plan.lan4, first_client(*plan.lan4, plan.ports.size()) + i);
    if (plan.lan6) plan.ports[i].address6 = member(*plan.lan6, first_client(*plan.lan6, plan.ports.size()) + i);
  }
}

// Both cables of a site with a carrier share its IPv6 transit prefix, halved.
Prefix transit6(unsigned index, bool inner, unsigned member_number) {
  return {model::site_transit_v6(index).address.plus((inner ? 0x10000U : 0U) + member_number), 112};
}

}  // namespace

std::string server_host(const std::string& site, const std::string& name) { return site + "." + name; }

std::string server_name(const std::string& site, const std::string& name) {
  return fmt::format("{}.{}.test", name, site);
}

std::string domain_name(const std::string& site) { return site + ".test"; }

std::string realm_name(const std::string& site) {
  std::string name = site + ".TEST";
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return name;
}

const SiteServer* find_server(const SitePlan& plan, const std::string& host) {
  const auto found = std::ranges::find(plan.servers, host, &SiteServer::host);
  return found == plan.servers.end() ? nullptr : &*found;
}

std::optional<Address> SitePlan::gateway6() const {
  const auto& router = has_carrier() ? carrier_lan6 : internet6;
  return router ? std::optional(router->address) : std::nullopt;
}

std::vector<Address> SitePlan::lan_addresses() const {
  std::vector<Address> addresses;
  if (lan4) addresses.push_back(lan4->address);
  if (lan6) addresses.push_back(lan6->address);
  return addresses;
}

Prefix public_prefix(const SitePlan& plan, unsigned generation) {
  return {model::site_public_v4(plan.index, generation), model::site_transit_v4(plan.index).length};
}

std::vector<SitePlan> plan_sites(const model::Scenario& scenario) {
  std::vector<SitePlan> plans;
  for (const auto& site : scenario.sites) {
    SitePlan plan;
    plan.site = &site;
    plan.index = static_cast<unsigned>(plans.size());
    plan.edge = site.name + ".edge";
    if (site.carrier) plan.carrier = site.name + ".carrier";
    if (site.subnet4) {
      plan.lan4 = member(*site.subnet4, 1);
    } else if (!site.subnet6) {
      plan.lan4 = member(model::site_default_subnet_v4(plan.index, site.nat || site.carrier), 1);
    }
    if (site.subnet6) plan.lan6 = member(*site.subnet6, 1);
    plan.internet_interface = fmt::format("site{}", plan.index);
    plan.internet4 = member(model::site_transit_v4(plan.index), 1);
    plan.public4 = public_prefix(plan, 0);
    plan.carrier_lan4 = member(model::site_carrier_v4(plan.index), 1);
    plan.inner4 = member(model::site_carrier_v4(plan.index), 2);
    if (plan.lan6) {
      plan.internet6 = transit6(plan.index, false, 1);
      plan.public6 = transit6(plan.index, false, 2);
      plan.carrier_lan6 = transit6(plan.index, true, 1);
      plan.inner6 = transit6(plan.index, true, 2);
    }
    place_clients(plan, scenario);
    place_servers(plan);
    plans.push_back(std::move(plan));
  }
  return plans;
}

}  // namespace crypelab::blueprint
