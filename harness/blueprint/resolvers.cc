#include "harness/blueprint/resolvers.h"

#include "harness/blueprint/steps.h"
#include "harness/model/world.h"
#include "harness/services/dns_faults.h"
#include "harness/services/dnsmasq.h"

namespace crypelab::blueprint {
namespace {

// Of programs that another one stands before: its own host's alone.
constexpr std::uint16_t kDnsmasqPort = 5301;

// "alice.office.test" and "office.edge" by its place, "edge.office.test".
std::vector<model::WorldName> names_of_site(const SitePlan& plan, const std::string& domain) {
  std::vector<model::WorldName> names{{"edge." + domain, plan.lan_addresses()}};
  for (const auto& port : plan.ports) {
    model::WorldName name{port.client->name + "." + domain, {}};
    if (port.address4) name.addresses.push_back(port.address4->address);
    if (port.address6) name.addresses.push_back(port.address6->address);
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
  services::Resolver resolver;
  resolver.name = site.name + ".resolver";
  resolver.host = plan.edge;
  resolver.listen = plan.lan_addresses();
  if (site.dns.answers != model::Answers::internal_only) {
    resolver.upstream = model::world_host("dns").addresses.front();
  }
  for (const auto& sets : facts.domains) resolver.sets.push_back({sets.set4, sets.set6, names_of(sets.domains)});
  resolver.domain = site.name + ".test";
  resolver.records = names_of_site(plan, resolver.domain);
  if (faults) {
    resolver.listen = {loopback};
    resolver.port = kDnsmasqPort;
  }
  processes.push_back(services::resolver(resolver));
  if (faults) {
    processes.push_back(services::dns_faults({.name = site.name + ".dns-faults",
                                              .host = plan.edge,
                                              .listen = plan.lan_addresses(),
                                              .upstream = {loopback, kDnsmasqPort},
                                              .dns = site.dns}));
  }
  return processes;
}

}  // namespace crypelab::blueprint
