#include "harness/scenario/read_client.h"

#include "harness/model/world.h"
#include "harness/scenario/read_job.h"
#include "harness/scenario/read_value.h"

#include <algorithm>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMostSites = 8;
constexpr std::size_t kMostRoutes = 64;

void read_sites(const Node& node, const std::vector<std::string_view>& known, model::Client& client,
                Problems& problems) {
  if (node.kind != Node::Kind::list) {
    problems.add(node.at, "expected a list of sites, found " + found(node),
                 "write sites: [office, lte], or site: office for one");
    return;
  }
  for (const Node* item : read_some(node, "sites", kMostSites, problems)) {
    auto name = read_name(*item, "a site", known, problems);
    if (!name) continue;
    if (std::ranges::find(client.sites, *name) != client.sites.end()) {
      problems.add(item->at, in_quotes(*name) + " stands here a second time");
      continue;
    }
    client.sites.push_back(std::move(*name));
  }
}

std::optional<std::variant<Prefix, std::string>> read_destination(const Node& node, Problems& problems) {
  if (!expect_scalar(node, "a prefix or a name of the standard world", problems)) return std::nullopt;
  if (model::find_world_name(node.text) != nullptr) return node.text;
  const bool numeric = node.text.find_first_not_of("0123456789abcdefABCDEF.:/") == std::string::npos;
  if (numeric) {
    const auto prefix = read_prefix_or_address(node, problems);
    return prefix ? std::optional<std::variant<Prefix, std::string>>(*prefix) : std::nullopt;
  }
  std::vector<std::string_view> names;
  for (const auto& known : model::world_names()) names.push_back(known.name);
  return read_name(node, "a name of the standard world", names, problems);
}

std::optional<model::ClientRoute> read_route(const Node& node, const std::vector<std::string_view>& sites,
                                             const model::Client& client, Problems& problems) {
  const Mapping map(node, kRouteWords, "a route", problems);
  const Node* to = map.require("to", "to: 203.0.113.0/24, or to: turn.crype.test");
  const Node* via = map.require("via", "via: office");
  auto destination = to == nullptr ? std::nullopt : read_destination(*to, problems);
  auto site = via == nullptr ? std::nullopt : read_name(*via, "a site", sites, problems);
  if (!destination || !site) return std::nullopt;
  if (std::ranges::find(client.sites, *site) == client.sites.end()) {
    problems.add(via->at, in_quotes(client.name) + " does not sit in " + in_quotes(*site),
                 "it sits in: " + join({client.sites.begin(), client.sites.end()}));
    return std::nullopt;
  }
  return model::ClientRoute{std::move(*destination), std::move(*site)};
}

void read_routes(const Node& node, const std::vector<std::string_view>& sites, model::Client& client,
                 Problems& problems) {
  if (node.kind != Node::Kind::list) {
    problems.add(node.at, "expected a list of routes, found " + found(node),
                 "a route is written like '- {to: turn.crype.test, via: lte}'");
    return;
  }
  for (const Node* item : read_some(node, "routes", kMostRoutes, problems)) {
    if (auto route = read_route(*item, sites, client, problems)) client.routes.push_back(std::move(*route));
  }
}

// Which proxy it forwards to is looked at where the sites are known.
std::optional<model::LocalAgent> read_agent(const Node& node, Problems& problems) {
  const Mapping map(node, kAgentWords, "a local agent", problems);
  if (!map.ok()) return std::nullopt;
  model::LocalAgent agent;
  if (const Node* port = map.find("port")) {
    if (const auto number = read_number(*port, "a port", {1, 65535}, problems))
      agent.port = static_cast<std::uint16_t>(*number);
  }
  if (const Node* via = map.require("via", "via: proxy"))
    assign(agent.via, read_text(*via, "the name of a proxy", problems));
  return agent;
}

}  // namespace

model::Client read_client(const std::string& name, const Node& node, const std::vector<std::string_view>& sites,
                          Problems& problems) {
  model::Client client;
  client.name = name;
  const Mapping map(node, kClientWords, "a client", problems);
  if (!map.ok()) return client;
  const bool one = node.find("site") != nullptr;
  const bool several = node.find("sites") != nullptr;
  if (one && several) {
    problems.add(place_of_key(node, {"sites"}), "'sites' beside 'site'",
                 "one of them: site: office, or sites: [office, lte]");
  } else if (!one && !several) {
    problems.add(node.at, in_quotes(name) + " sits nowhere", "write site: office, or sites: [office, lte]");
  }
  if (const Node* site = map.find("site")) {
    if (auto found_site = read_name(*site, "a site", sites, problems)) client.sites.push_back(std::move(*found_site));
  } else if (const Node* list = map.find("sites")) {
    read_sites(*list, sites, client, problems);
  }
  if (const Node* routes = map.find("routes"); routes != nullptr && !client.sites.empty()) {
    read_routes(*routes, sites, client, problems);
  }
  if (const Node* agent = map.find("agent")) client.agent = read_agent(*agent, problems);
  if (const Node* ticket = map.find("ticket"))
    assign(client.ticket, read_text(*ticket, "the name of a user", problems));
  client.job = read_job(map, problems);
  return client;
}

}  // namespace crypelab::scenario
