#include "harness/scenario/read_steps.h"

#include "harness/model/world.h"
#include "harness/scenario/read_egress.h"
#include "harness/scenario/read_uplink.h"
#include "harness/scenario/read_value.h"

#include <algorithm>
#include <map>

namespace crypelab::scenario {
namespace {

constexpr std::size_t kMostSteps = 200;
constexpr std::size_t kMostAddresses = 16;
constexpr unsigned kMostRenumberings = 50;  // a site has that many public addresses to go through
constexpr Duration kLatest = std::chrono::hours(24);

constexpr std::string_view kForms =
    "a step is {at, site, egress}, {at, site, uplink}, {at, site, address: new}, {at, client, site, link}, "
    "{at, record, to} or {at, restart}";

// The words of the one form that the step has; the last one says which. Empty: it changes nothing, or several things.
std::vector<std::string_view> words_of(const Node& node) {
  const auto has = [&](std::string_view key) { return node.find(key) != nullptr; };
  const int changes = has("egress") + has("uplink") + has("link") + has("address") + has("record") + has("restart");
  if (changes != 1) return {};
  if (has("record")) return {"at", "record", "to"};
  if (has("restart")) return {"at", "restart"};
  if (has("link")) return {"at", "client", "site", "link"};
  if (has("egress")) return {"at", "site", "egress"};
  if (has("uplink")) return {"at", "site", "uplink"};
  return {"at", "site", "address"};
}

struct Pending {
  Duration at{0};
  Mapping map;
  std::vector<std::string_view> form;
};

// Reads steps in the order of time: what an uplink step leaves out stays as the step before has left it.
class StepReader {
 public:
  StepReader(const model::Scenario& scenario, Problems& problems) : scenario_(scenario), problems_(problems) {
    for (const auto& site : scenario.sites) {
      sites_.push_back(site.name);
      uplinks_[site.name] = site.uplink;
    }
    for (const auto& client : scenario.clients) clients_.push_back(client.name);
  }

  // `form`: what words_of() says; not empty.
  std::optional<model::Step> read(const Mapping& map, Words form, Duration at) {
    const auto last = form.back();
    auto change = last == "to"        ? read_record(map)
                  : last == "link"    ? read_link(map)
                  : last == "restart" ? read_restart(map)
                                      : read_site_change(map, last);
    if (!change) return std::nullopt;
    return model::Step{at, std::move(*change)};
  }

 private:
  using Change = decltype(model::Step::change);

  std::optional<std::string> read_site_name(const Mapping& map) {
    const Node* node = map.require("site", "site: office");
    return node == nullptr ? std::nullopt : read_name(*node, "a site", sites_, problems_);
  }

  std::optional<Change> read_restart(const Mapping& map) {
    const Node* node = map.find("restart");
    auto name = node == nullptr
                    ? std::nullopt
                    : read_name(*node, "a server that can be restarted", {"turn-a", "turn-b", "signal"}, problems_);
    if (!name) return std::nullopt;
    const auto* server = *name == "turn-a"   ? &scenario_.world.turn_a
                         : *name == "turn-b" ? &scenario_.world.turn_b
                                             : nullptr;
    if (server != nullptr && server->state == model::ServerState::stopped) {
      problems_.add(node->at, in_quotes(*name) + " is stopped: there is nothing to restart");
      return std::nullopt;
    }
    return model::RestartServer{std::move(*name)};
  }

  std::optional<Change> read_record(const Mapping& map) {
    std::vector<std::string_view> names;
    for (const auto& known : model::world_names()) names.push_back(known.name);
    const Node* record = map.find("record");
    const Node* to = map.require("to", "to: [203.0.113.99]");
    auto name = record == nullptr ? std::nullopt : read_name(*record, "a name of the standard world", names, problems_);
    model::ChangeRecord change;
    if (to != nullptr) {
      for (const Node* item : read_some(*to, "addresses", kMostAddresses, problems_)) {
        if (const auto address = read_address(*item, problems_)) change.addresses.push_back(*address);
      }
    }
    if (!name || change.addresses.empty()) return std::nullopt;
    change.name = std::move(*name);
    return change;
  }

  std::optional<Change> read_link(const Mapping& map) {
    const Node* client_node = map.require("client", "client: alice");
    const Node* site_node = map.require("site", "site: office");
    const Node* link = map.find("link");
    auto client = client_node == nullptr ? std::nullopt : read_name(*client_node, "a client", clients_, problems_);
    auto site = site_node == nullptr ? std::nullopt : read_name(*site_node, "a site", sites_, problems_);
    const auto state = link == nullptr ? std::nullopt : read_word(*link, "a state of a link", kCarriers, problems_);
    if (!client || !site || !state) return std::nullopt;
    const auto& at = model::find_client(scenario_, *client)->sites;
    if (std::ranges::find(at, *site) == at.end()) {
      problems_.add(site_node->at, in_quotes(*client) + " does not sit in " + in_quotes(*site),
                    "it sits in: " + join({at.begin(), at.end()}));
      return std::nullopt;
    }
    return model::SwitchClient{std::move(*client), std::move(*site), *state};
  }

  std::optional<Change> read_site_change(const Mapping& map, std::string_view what) {
    auto site = read_site_name(map);
    const Node* node = map.find(what);
    if (node == nullptr) return std::nullopt;
    if (what == "egress") {
      auto egress = read_egress(*node, problems_);
      return site ? std::optional<Change>(model::ChangeEgress{std::move(*site), std::move(egress)}) : std::nullopt;
    }
    if (what == "address") return read_renumbering(*node, site);
    if (node->kind == Node::Kind::scalar) {
      const auto state = read_word(*node, "a state of an uplink", kCarriers, problems_);
      if (!site || !state) return std::nullopt;
      return model::SwitchUplink{std::move(*site), *state};
    }
    auto uplink = read_uplink(*node, site ? uplinks_[*site] : model::Uplink{}, problems_);
    if (!site) return std::nullopt;
    uplinks_[*site] = uplink;
    if (uplink.mtu < 1280 && model::find_site(scenario_, *site)->subnet6) {
      problems_.add(place(*node, {"mtu"}), "an MTU of " + std::to_string(uplink.mtu) + " at a site with IPv6",
                    "IPv6 needs 1280 or more (RFC 8200, section 5)");
    }
    return model::ChangeUplink{std::move(*site), uplink};
  }

  std::optional<Change> read_renumbering(const Node& node, const std::optional<std::string>& site) {
    if (!read_word(node, "what an address can become", kNewAddress, problems_) || !site) return std::nullopt;
    if (!model::find_site(scenario_, *site)->nat) {
      problems_.add(node.at, "a new public address at a site without NAT",
                    "give " + in_quotes(*site) + " a nat:, or take the step out");
      return std::nullopt;
    }
    if (++renumberings_[*site] > kMostRenumberings) {
      problems_.add(node.at, "more than " + std::to_string(kMostRenumberings) + " new addresses for one site");
      return std::nullopt;
    }
    return model::RenumberSite{*site};
  }

  const model::Scenario& scenario_;
  Problems& problems_;
  std::vector<std::string_view> sites_;
  std::vector<std::string_view> clients_;
  std::map<std::string, model::Uplink> uplinks_;
  std::map<std::string, unsigned> renumberings_;
};

}  // namespace

std::vector<model::Step> read_steps(const Node& node, const model::Scenario& scenario, Problems& problems) {
  std::vector<model::Step> steps;
  if (node.kind == Node::Kind::refused) return steps;
  if (node.kind != Node::Kind::list) {
    problems.add(node.at, "expected a list of steps, found " + found(node), std::string(kForms));
    return steps;
  }
  std::vector<Pending> by_time;
  for (const Node* item : read_some(node, "steps", kMostSteps, problems)) {
    const auto form = words_of(*item);
    const Mapping map(*item, form.empty() ? Words(kStepWords) : Words(form), "a step", problems);
    if (!map.ok()) continue;
    const Node* at = map.require("at", "at: 20s");
    const auto time =
        at == nullptr ? std::nullopt : read_duration(*at, "the time of a step", {Duration(0), kLatest}, problems);
    if (form.empty()) {
      problems.add(item->at, "this step changes nothing, or more than one thing", std::string(kForms));
    } else {
      by_time.push_back({time.value_or(Duration(0)), map, form});
    }
  }
  std::ranges::stable_sort(by_time, {}, &Pending::at);
  StepReader reader(scenario, problems);
  for (const auto& pending : by_time) {
    if (auto step = reader.read(pending.map, pending.form, pending.at)) steps.push_back(std::move(*step));
  }
  return steps;
}

}  // namespace crypelab::scenario
