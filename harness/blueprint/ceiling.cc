#include "harness/blueprint/ceiling.h"

#include "harness/blueprint/egress_decision.h"
#include "harness/blueprint/far_side.h"
#include "harness/blueprint/site_plan.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace crypelab::blueprint {
namespace {

using namespace std::chrono_literals;

// Long enough for a bucket that was full at first; a cable that nothing limits has none.
constexpr Duration kOfLimited = 200ms;
constexpr Duration kOfUnlimited = 80ms;
// More than the harness carries in packets of that size, and few enough to be told apart (probe/arrivals.h).
constexpr std::uint64_t kMostOffered = 1'000'000'000;
// Below, both directions together leave a processor of two idle, and do not disturb each other.
constexpr std::uint64_t kBothAtOnce = 200'000'000;
// A TCP connection has found the rate of its path after so many round trips.
constexpr int kRoundTripsOfTcp = 10;

// How traffic of a site gets out.
struct WayOut {
  std::string host;
  measure::Rate ask;
};

void put_opening(measure::Rate& ask, const model::FirstBytes& gate) {
  ask.opening = gate.inside == model::FirstBytes::Inside::http ? measure::Opening::http : measure::Opening::tls;
  ask.server_name = gate.sni.empty() ? kReflectorName : gate.sni.front();
  if (ask.server_name.starts_with("*.")) ask.server_name.replace(0, 1, "any");
  if (!gate.alpn.empty()) ask.protocols = {gate.alpn.front()};
}

std::optional<WayOut> way_through_rules(const model::Scenario& scenario, const SitePlan& plan,
                                        const model::Client& client, const Address& reflector) {
  for (const auto transport : {measure::Transport::udp, measure::Transport::tcp}) {
    for (const auto port : reflector_ports(scenario, transport)) {
      const Endpoint to{reflector, port};
      const auto decision = decide(*plan.site, transport, to, kReflectorName);
      if (!decision.passes || !decision.known) continue;
      WayOut way;
      way.host = client.name;
      way.ask.transport = transport;
      way.ask.to = to;
      if (decision.rule != nullptr) {
        const auto& action = decision.rule->action;
        const bool used_up =
            std::holds_alternative<model::AcceptThenDrop>(action) || std::holds_alternative<model::Police>(action);
        if (used_up) continue;
        if (const auto* gate = std::get_if<model::FirstBytes>(&action)) put_opening(way.ask, *gate);
      }
      return way;
    }
  }
  return std::nullopt;
}

std::optional<WayOut> way_through_proxy(const SitePlan& plan, const Address& reflector) {
  for (const auto& proxy : plan.site->proxies) {
    const auto* server = find_server(plan, server_host(plan.site->name, proxy.name));
    if (server == nullptr || !server->own_egress) continue;
    WayOut way;
    way.host = server->host;
    way.ask.transport = measure::Transport::tcp;
    way.ask.to = {reflector, kReflectorPort};
    return way;
  }
  return std::nullopt;
}

// One of the two ends of the path.
struct CallEnd {
  const model::Client* client = nullptr;
  const model::Site* site = nullptr;
  WayOut way;

  std::optional<BitRate> limit(measure::Way direction) const {
    return direction == measure::Way::up ? site->uplink.up.rate : site->uplink.down.rate;
  }
  Duration round_trip() const {
    const auto& [up, down, mtu, too_big] = site->uplink;
    return up.delay + down.delay + up.jitter + down.jitter;
  }
};

// What a rule grants at first, a measurement would use up before the client comes: there is none.
bool polices(const model::Site& site) {
  const auto rules = site.egress.value_or(std::vector<model::EgressRule>{});
  return std::ranges::any_of(rules,
                             [](const auto& rule) { return std::holds_alternative<model::Police>(rule.action); });
}

std::vector<model::Flow> directions_of(const model::Scenario& scenario) {
  bool sends = false;
  bool receives = false;
  for (const auto& phase : scenario.work) {
    const auto* throughput = std::get_if<model::Throughput>(&phase);
    if (throughput == nullptr) continue;
    sends = sends || throughput->direction != model::Flow::receive;
    receives = receives || throughput->direction != model::Flow::send;
  }
  std::vector<model::Flow> directions;
  if (sends) directions.push_back(model::Flow::send);
  if (receives) directions.push_back(model::Flow::receive);
  return directions;
}

void add_direction(CeilingPlan& plan, model::Flow direction, const std::vector<CallEnd>& ends, bool in_turn) {
  std::optional<BitRate> limit;
  std::vector<measure::Way> ways;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    ways.push_back((i == 0) == (direction == model::Flow::send) ? measure::Way::up : measure::Way::down);
    if (const auto own = ends[i].limit(ways[i])) limit = limit ? std::min(*limit, *own) : *own;
  }
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto& end = ends[i];
    auto ask = end.way.ask;
    ask.way = ways[i];
    ask.offered = {limit ? std::min(limit->bits_per_second + limit->bits_per_second / 2, kMostOffered) : kMostOffered};
    ask.time = limit ? kOfLimited : kOfUnlimited;
    if (ask.transport == measure::Transport::tcp) ask.time += kRoundTripsOfTcp * end.round_trip();
    const std::string word = direction == model::Flow::send ? "send" : "receive";
    measure::Question question{word + " " + end.client->name, 2 * ask.time + 20 * end.round_trip() + 2s, {}, {}, ask};
    if (in_turn) question.after = {"send " + end.client->name};
    plan.legs.push_back({direction, end.client->name, end.site->name, end.way.host, std::move(question)});
  }
}

// What all legs of a direction together offer at most.
std::uint64_t offered_by(const std::vector<CeilingLeg>& legs) {
  std::uint64_t sum = 0;
  for (const auto& leg : legs) sum += std::get<measure::Rate>(leg.question.ask).offered.bits_per_second;
  return sum;
}

}  // namespace

CeilingPlan plan_ceilings(const model::Scenario& scenario) {
  CeilingPlan plan;
  const auto directions = directions_of(scenario);
  if (directions.empty() || scenario.clients.size() < 2) return plan;
  const auto sites = plan_sites(scenario);
  std::vector<CallEnd> ends;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& client = scenario.clients[i];
    const auto site = std::ranges::find(sites, client.sites.front(), [](const auto& one) { return one.site->name; });
    if (polices(*site->site)) {
      plan.why =
          fmt::format("{} polices what leaves it, and a measurement would use up what it grants", site->site->name);
      return plan;
    }
    const auto family = site->site->subnet4 ? Family::v4 : Family::v6;
    const auto reflector = reflector_addresses(family).first;
    auto way = way_through_rules(scenario, *site, client, reflector);
    if (!way) way = way_through_proxy(*site, reflector);
    if (!way) {
      plan.why = fmt::format("nothing of {} gets out to be measured", site->site->name);
      return plan;
    }
    ends.push_back({&client, site->site, std::move(*way)});
  }
  for (const auto direction : directions) {
    CeilingPlan alone;
    add_direction(alone, direction, ends, false);
    const bool in_turn = !plan.legs.empty() && offered_by(plan.legs) + offered_by(alone.legs) > kBothAtOnce;
    add_direction(plan, direction, ends, in_turn);
  }
  return plan;
}

}  // namespace crypelab::blueprint
