#include "harness/base/error.h"
#include "harness/blueprint/edge_boxes.h"
#include "harness/blueprint/gate_rules.h"
#include "harness/blueprint/proxies.h"
#include "harness/blueprint/realm.h"
#include "harness/blueprint/resolvers.h"
#include "harness/blueprint/site_servers.h"
#include "harness/blueprint/steps.h"
#include "harness/blueprint/topology.h"
#include "harness/blueprint/turn_host.h"
#include "harness/model/world.h"
#include "harness/services/coturn.h"
#include "harness/services/dnsmasq.h"
#include "harness/services/scripted_turn.h"
#include "harness/services/signaling.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace crypelab::blueprint {
namespace {

std::vector<std::string> client_names(const std::vector<model::Client>& clients) {
  std::vector<std::string> names;
  for (const auto& client : clients) names.push_back(client.name);
  return names;
}

void add_world(Blueprint& blueprint, const model::Scenario& scenario) {
  const auto clients = client_names(scenario.clients);
  const auto& access = scenario.world.turn_access;
  blueprint.turn_access = access;
  blueprint.processes.push_back(services::signaling("signal", scenario.world.signaling, access, clients));
  for (const auto& [name, server] :
       {std::pair("turn-a", &scenario.world.turn_a), std::pair("turn-b", &scenario.world.turn_b)}) {
    const auto host = std::ranges::find(blueprint.hosts, name, &Host::name);
    host->rule_set = text_of(turn_table(name, *server));
    for (auto& counter : turn_counters(name, *server)) blueprint.counters.push_back(std::move(counter));
    if (server->state != model::ServerState::stopped) {
      blueprint.processes.push_back(server->scripted() ? services::scripted_turn(name, *server, access, clients)
                                                       : services::coturn(name, *server, access, clients));
    }
  }
}

void add_processes(Blueprint& blueprint, const std::vector<SiteFacts>& sites) {
  const auto& dns = model::world_host("dns");
  blueprint.processes.push_back(services::world_dns("dns", dns.addresses, model::world_names()));
  for (const auto& facts : sites) {
    for (auto& process : draw_resolvers(facts)) blueprint.processes.push_back(std::move(process));
    if (needs_gate(facts)) blueprint.processes.push_back(services::gate(gate_settings(facts)));
    if (auto translator = draw_nat64(*facts.plan)) blueprint.processes.push_back(std::move(*translator));
    for (auto& process : proxy_processes(*facts.plan)) blueprint.processes.push_back(std::move(process));
    for (auto& process : edge_box_processes(*facts.plan)) blueprint.processes.push_back(std::move(process));
    for (auto& process : site_server_processes(*facts.plan)) blueprint.processes.push_back(std::move(process));
    for (auto& secret : site_server_secrets(*facts.plan)) blueprint.secrets.push_back(std::move(secret));
    for (auto& secret : proxy_secrets(*facts.plan)) blueprint.secrets.push_back(std::move(secret));
  }
}

}  // namespace

bool needs_user_space(const model::Direction& direction) {
  return direction.delay > Duration{0} || direction.jitter > Duration{0};
}

Blueprint draw(const model::Scenario& scenario) {
  const auto plans = plan_sites(scenario);
  const auto facts = site_facts(scenario, plans);
  Blueprint blueprint;
  blueprint.scenario = scenario.name;
  blueprint.hosts.push_back(draw_internet(plans));
  for (const auto& world : model::world_hosts()) blueprint.hosts.push_back(draw_world_host(world.name));
  const auto states = initial_states(scenario, facts);
  blueprint.hosts.front().rule_set = text_of(internet_table(facts, states));
  for (auto& counter : internet_counters(facts)) blueprint.counters.push_back(std::move(counter));
  for (std::size_t i = 0; i < plans.size(); ++i) {
    if (plans[i].has_carrier()) {
      blueprint.hosts.push_back(draw_carrier(plans[i]));
      blueprint.hosts.back().rule_set = text_of(carrier_table(facts[i], states[i]));
      for (auto& counter : carrier_counters(facts[i])) blueprint.counters.push_back(std::move(counter));
    }
    blueprint.hosts.push_back(draw_edge(plans[i]));
    blueprint.hosts.back().rule_set = text_of(edge_table(facts[i], states[i]));
    if (needs_gate(facts[i])) blueprint.hosts.back().queues.push_back({gate_chain().name, kGateQueue});
    for (auto& counter : edge_counters(facts[i])) blueprint.counters.push_back(std::move(counter));
    for (auto& host : draw_proxy_hosts(plans[i])) blueprint.hosts.push_back(std::move(host));
    for (auto& host : draw_site_servers(plans[i])) blueprint.hosts.push_back(std::move(host));
  }
  for (const auto& client : scenario.clients) {
    blueprint.hosts.push_back(draw_client(client, plans));
    const auto inspected = [&](const std::string& site) {
      return trusts_inspection(*model::find_site(scenario, site));
    };
    if (std::ranges::any_of(client.sites, inspected))
      blueprint.hosts.back().trusts.push_back(services::Issuer::corporate);
    if (client.ticket.empty()) continue;
    const auto home =
        std::ranges::find(plans, client.sites.front(), [](const SitePlan& plan) { return plan.site->name; });
    if (const auto realm = realm_of(*home)) {
      const auto user = std::ranges::find(realm->users, client.ticket, &model::ProxyUser::name);
      if (user != realm->users.end()) give_ticket(blueprint.hosts.back(), *realm, *user);
    }
  }
  blueprint.cables = draw_cables(plans);
  for (const auto& site : facts)
    blueprint.cables[uplink_cable(blueprint.cables, *site.plan)].user_space = site.user_space_uplink;
  add_processes(blueprint, facts);
  for (const auto& client : scenario.clients) {
    if (!client.agent) continue;
    const auto home =
        std::ranges::find(plans, client.sites.front(), [](const SitePlan& plan) { return plan.site->name; });
    blueprint.processes.push_back(agent_process(client, *home));
  }
  add_world(blueprint, scenario);
  blueprint.steps = draw_steps(scenario, facts, blueprint);
  return blueprint;
}

}  // namespace crypelab::blueprint
