#include "harness/blueprint/edge_boxes.h"

#include "harness/services/dnsmasq.h"
#include "harness/services/portal.h"
#include "harness/services/squid.h"
#include "harness/services/tls_inspection.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::blueprint {
namespace {

constexpr std::uint16_t kHijackPort = 5303;
constexpr const char* kInspected = "tls_inspected";
constexpr const char* kRelayed = "tls_relayed";
constexpr const char* kPortalWeb = "portal_web";
constexpr const char* kPortalDns = "portal_dns";
constexpr const char* kPortalIn = "portal_in";

std::string port_set(const std::vector<model::PortRange>& ranges) {
  std::vector<std::string> texts;
  for (const auto& range : ranges) {
    texts.push_back(range.first == range.last ? fmt::format("{}", range.first)
                                              : fmt::format("{}-{}", range.first, range.last));
  }
  return fmt::format("{{ {} }}", fmt::join(texts, ", "));
}

// The site's own servers go out by themselves: a proxy behind a box would be another network.
void spare_servers(RuleChain& chain, const SitePlan& site) {
  for (const auto& server : site.servers) {
    if (server.address4) chain.rules.push_back(fmt::format("ip saddr {} accept", to_string(server.address4->address)));
    if (server.address6) chain.rules.push_back(fmt::format("ip6 saddr {} accept", to_string(server.address6->address)));
  }
}

void add_takers(RuleTable& table, const SitePlan& site) {
  const auto proxy = std::ranges::find(site.site->proxies, true, &model::Proxy::transparent);
  const bool transparent = proxy != site.site->proxies.end();
  if (!transparent && !site.site->tls_inspection && !site.site->tls_relay) return;
  RuleChain chain{"intercept", "type nat hook prerouting priority dstnat - 5; policy accept;", {}};
  spare_servers(chain, site);
  const auto take = [&](const std::string& match, const char* counter, unsigned to) {
    chain.rules.push_back(fmt::format("iifname \"{}\" fib daddr type != local {} counter name {} redirect to :{}", kLan,
                                      match, counter, to));
  };
  if (transparent) {
    take("tcp dport 80", kIntercepted, services::kInterceptedHttp);
    if (proxy->inspect) take("tcp dport 443", kIntercepted, services::kInterceptedTls);
  }
  if (site.site->tls_inspection)
    take("tcp dport " + port_set(site.site->tls_inspection->ports), kInspected, services::kTlsInspectionPort);
  if (site.site->tls_relay)
    take("meta nfproto ipv4 tcp dport " + port_set(site.site->tls_relay->ports), kRelayed, services::kTlsRelayPort);
  table.chains.push_back(std::move(chain));
}

RuleChain& chain_of(RuleTable& table, const char* name) {
  return *std::ranges::find(table.chains, name, &RuleChain::name);
}

// Hosts that have been released, and the site's own servers, are none of the portal's business.
void pass_released(RuleChain& chain, const SitePlan& site, const char* side, const char* verdict) {
  for (const auto* family : {"ip", "ip6"}) {
    const char* number = family == std::string_view("ip") ? "4" : "6";
    for (const auto* set : {"portal_hosts", "portal_networks"})
      chain.rules.push_back(fmt::format("{} {} @{}{} {}", family, side, set, number, verdict));
  }
  for (const auto& server : site.servers) {
    if (server.address4)
      chain.rules.push_back(fmt::format("ip {} {} {}", side, to_string(server.address4->address), verdict));
    if (server.address6)
      chain.rules.push_back(fmt::format("ip6 {} {} {}", side, to_string(server.address6->address), verdict));
  }
}

void add_portal(RuleTable& table, const SitePlan& site) {
  if (!site.site->portal) return;
  const auto& portal = *site.site->portal;
  for (const auto* type : {"4", "6"}) {
    const auto address = fmt::format("type ipv{}_addr;", type);
    table.sets.push_back({"set", fmt::format("portal_hosts{}", type), address + " flags timeout;", {}});
    table.sets.push_back({"set", fmt::format("portal_networks{}", type), address + " flags interval;", {}});
  }
  // Before anybody else takes connections at the edge.
  RuleChain web{"portal_web", "type nat hook prerouting priority dstnat - 6; policy accept;", {}};
  web.rules.push_back(fmt::format("iifname != \"{}\" accept", kLan));
  pass_released(web, site, "saddr", "accept");
  if (portal.dns_hijacked) {
    web.rules.push_back(fmt::format("meta l4proto {{ tcp, udp }} th dport 53 counter name {} redirect to :{}",
                                    kPortalDns, kHijackPort));
  }
  web.rules.push_back(fmt::format("tcp dport 80 counter name {} redirect to :80", kPortalWeb));
  if (portal.tls == model::Portal::Tls::foreign_certificate)
    web.rules.push_back(fmt::format("tcp dport 443 counter name {} redirect to :443", kPortalWeb));
  table.chains.push_back(std::move(web));

  RuleChain out{"portal_out", "", {}};
  pass_released(out, site, "saddr", "return");
  if (portal.tls == model::Portal::Tls::reset)
    out.rules.push_back(fmt::format("tcp dport 443 counter name {} reject with tcp reset", kPortalOut));
  out.rules.push_back(fmt::format("counter name {} drop", kPortalOut));
  RuleChain in{"portal_in", "", {}};
  pass_released(in, site, "daddr", "return");
  in.rules.push_back(fmt::format("counter name {} drop", kPortalIn));
  table.chains.push_back(std::move(out));
  table.chains.push_back(std::move(in));
  for (const auto* way : {"out", "in"}) {
    auto& rules = chain_of(table, way == std::string_view("out") ? "outbound" : "inbound").rules;
    rules.insert(rules.begin(), fmt::format("jump portal_{}", way));
  }
}

std::vector<Prefix> lan_prefixes(const SitePlan& site) {
  std::vector<Prefix> prefixes;
  if (site.lan4) prefixes.push_back(*site.lan4);
  if (site.lan6) prefixes.push_back(*site.lan6);
  return prefixes;
}

}  // namespace

std::vector<services::Process> edge_box_processes(const SitePlan& site) {
  std::vector<services::Process> processes;
  const auto& name = site.site->name;
  if (const auto& inspection = site.site->tls_inspection) {
    processes.push_back(services::tls_inspection(
        {.process = name + ".tls-inspection", .host = site.edge, .listen = site.lan_addresses()}, *inspection));
  }
  if (const auto& relay = site.site->tls_relay) {
    processes.push_back(services::tls_relay(
        {.process = name + ".tls-relay", .host = site.edge, .listen = site.lan_addresses()}, *relay));
  }
  if (const auto& portal = site.site->portal) {
    processes.push_back(services::portal({.process = server_host(name, kPortal),
                                          .host = site.edge,
                                          .full_name = server_name(name, kPortal),
                                          .subnets = lan_prefixes(site),
                                          .portal = *portal}));
    if (portal->dns_hijacked)
      processes.push_back(services::hijacker(name + ".portal-dns", site.edge, site.lan_addresses(), kHijackPort));
  }
  return processes;
}

void add_edge_boxes(RuleTable& table, const SitePlan& site) {
  add_takers(table, site);
  add_portal(table, site);
}

std::vector<Counter> edge_box_counters(const SitePlan& site) {
  std::vector<Counter> counters;
  const auto add = [&](const char* name, const char* meaning) {
    counters.push_back({site.edge, name, site.edge + ": " + meaning, 0});
  };
  if (site.site->tls_inspection) add(kInspected, "connections taken by the TLS inspection");
  if (site.site->tls_relay) add(kRelayed, "connections taken by the TLS relay");
  if (site.site->portal) {
    add(kPortalWeb, "connections led to the captive portal");
    add(kPortalDns, "questions led to the captive portal's own DNS");
    add(kPortalOut, "of hosts that the captive portal has not released, outbound, stopped");
    add(kPortalIn, "to hosts that the captive portal has not released, dropped");
  }
  return counters;
}

}  // namespace crypelab::blueprint
