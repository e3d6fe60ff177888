#include "harness/blueprint/resolvers.h"

#include "harness/blueprint/steps.h"
#include "harness/model/world.h"
#include "harness/services/dns_faults.h"
#include "harness/services/dnsmasq.h"
#include "harness/services/tayga.h"
#include "harness/services/unbound.h"

namespace crypelab::blueprint {
namespace {

// Of programs that another one stands before: its own host's alone.
constexpr std::uint16_t kDnsmasqPort = 5301;
constexpr std::uint16_t kUnboundPort = 5302;

// "alice.office.test" and "office.edge" by its place, "edge.office.test".
std::vector<model::WorldName> names_of_site(const SitePlan& plan, const std::string& domain) {
  std::vector<model::WorldName> names{{"edge." + domain, plan.lan_addresses()}};
  for (const auto& port : plan.ports) {
    model::WorldName name{port.client->name + "." + domain, {}};
    if (port.address4) name.addresses.push_back(port.address4->address);
    if (port.address6) name.addresses.push_back(port.address6->address);
    names.push_back(std::move(name));
  }
  if (plan.site->portal) names.push_back({server_name(plan.site->name, kPortal), plan.lan_addresses()});
  for (const auto& server : plan.servers) {
    model::WorldName name{server.full_name, {}};
    if (server.address4) name.addresses.push_back(server.address4->address);
    if (server.address6) name.addresses.push_back(server.address6->address);
    for (const auto& other : server.other_names) names.push_back({other, name.addresses});
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

std::vector<services::Process> draw_resolvers(const SiteFacts& facts) {
  const auto& plan = *facts.plan;
  const auto& site = *plan.site;
  const Address loopback = *parse_address("127.0.0.1");
  std::vector<services::Process> processes;

  const bool faults = services::has_faults(site.dns);
  const bool dns64 = site.nat64 && site.nat64->dns64;
  services::Resolver resolver;
  resolver.name = site.name + ".resolver";
  resolver.host = plan.edge;
  resolver.listen = plan.lan_addresses();
  if (site.dns.answers != model::Answers::internal_only) {
    resolver.upstream = model::world_host("dns").addresses.front();
  }
  for (const auto& sets : facts.domains) resolver.sets.push_back({sets.set4, sets.set6, names_of(sets.domains)});
  resolver.domain = domain_name(site.name);
  resolver.records = names_of_site(plan, resolver.domain);
  if (dns64 || faults) {
    resolver.listen = {loopback};
    resolver.port = kDnsmasqPort;
  }
  processes.push_back(services::resolver(resolver));
  Endpoint upstream{loopback, kDnsmasqPort};
  if (dns64) {
    services::Dns64 synthesizer{.name = site.name + ".dns64",
                                .host = plan.edge,
                                .listen = plan.lan_addresses(),
                                .upstream = upstream,
                                .prefix = site.nat64->prefix};
    if (faults) {
      synthesizer.listen = {loopback};
      synthesizer.port = kUnboundPort;
      upstream.port = kUnboundPort;
    }
    processes.push_back(services::dns64(synthesizer));
  }
  if (faults) {
    processes.push_back(services::dns_faults({.name = site.name + ".dns-faults",
                                              .host = plan.edge,
                                              .listen = plan.lan_addresses(),
                                              .upstream = upstream,
                                              .dns = site.dns}));
  }
  return processes;
}

std::optional<services::Process> draw_nat64(const SitePlan& plan) {
  if (!plan.site->nat64) return std::nullopt;
  return services::nat64_translator({.name = plan.site->name + ".nat64",
                                     .host = plan.edge,
                                     .interface = kNat64,
                                     .prefix = plan.site->nat64->prefix,
                                     .pool = model::nat64_pool()});
}

}  // namespace crypelab::blueprint
