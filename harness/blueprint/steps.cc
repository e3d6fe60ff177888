#include "harness/blueprint/steps.h"

#include "harness/base/error.h"
#include "harness/blueprint/topology.h"
#include "harness/model/world.h"
#include "harness/services/dnsmasq.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace crypelab::blueprint {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

void add_domains(std::vector<DomainSets>& sets, const std::vector<model::EgressRule>& rules) {
  for (const auto& rule : rules) {
    const auto& domains = rule.match.domains;
    if (domains.empty() || std::ranges::find(sets, domains, &DomainSets::domains) != sets.end()) continue;
    const auto name = fmt::format("names_{}", sets.size() + 1);
    sets.push_back({domains, name + "_v4", name + "_v6"});
  }
}

bool needs_user_space(const model::Uplink& uplink) {
  return blueprint::needs_user_space(uplink.up) || blueprint::needs_user_space(uplink.down);
}

// The run of one scenario, step by step.
class Timeline {
 public:
  Timeline(const model::Scenario& scenario, const std::vector<SiteFacts>& facts, const Blueprint& blueprint)
      : facts_(facts),
        blueprint_(blueprint),
        states_(initial_states(scenario, facts)),
        names_(model::world_names()),
        cables_(blueprint.cables),
        lists_(facts.size(), 0) {
    for (std::size_t i = 0; i < facts.size(); ++i) lists_[i] = facts[i].plan->site->egress ? 1 : 0;
  }

  Step apply(const model::Step& step) {
    Step drawn;
    drawn.at = step.at;
    const auto before = states_;
    std::visit([&](const auto& change) { apply(change, drawn); }, step.change);
    add_rules(before, drawn);
    return drawn;
  }

  // Every `period` the mappings of a site move: two steps that take turns, for ever.
  std::vector<Step> rebind(std::size_t site, Duration period) {
    std::vector<Step> steps;
    const auto calm = states_;
    for (const unsigned generation : {1U, 2U}) {
      const auto before = states_;
      states_[site].mapping_generation = generation;
      Step step;
      step.at = period * generation;
      step.every = 2 * period;
      step.meaning = fmt::format("{}: NAT mappings move", facts_[site].plan->site->name);
      add_rules(before, step);
      forget(site, step);
      steps.push_back(std::move(step));
    }
    states_ = calm;
    return steps;
  }

 private:
  std::size_t index(const std::string& site) const {
    const auto found = std::ranges::find_if(facts_, [&](const SiteFacts& f) { return f.plan->site->name == site; });
    if (found == facts_.end()) throw Failure(Exit::software, "no site is called '" + site + "'");
    return static_cast<std::size_t>(found - facts_.begin());
  }

  void apply(const model::ChangeEgress& change, Step& step) {
    const auto i = index(change.site);
    states_[i].egress = facts_[i].lists[lists_[i]++];
    const unsigned line = change.egress.empty() ? 0 : change.egress.front().line;
    step.meaning = fmt::format("{}: egress replaced{}", change.site, line == 0 ? "" : fmt::format(" (line {})", line));
  }

  void apply(const model::ChangeUplink& change, Step& step) {
    const auto i = index(change.site);
    states_[i].uplink = change.uplink;
    const auto number = uplink_cable(cables_, *facts_[i].plan);
    auto& cable = cables_[number];
    cable.a_to_b = change.uplink.up;
    cable.b_to_a = change.uplink.down;
    cable.mtu = change.uplink.mtu;
    step.changes.push_back(ChangeCable{number, cable});
    step.meaning = fmt::format("{}: uplink changed", change.site);
  }

  void apply(const model::SwitchUplink& change, Step& step) {
    const auto& plan = *facts_[index(change.site)].plan;
    switch_cable(uplink_cable(cables_, plan), change.state, step);
    step.meaning = fmt::format("{}: uplink {}", change.site, change.state == model::Carrier::up ? "up" : "down");
  }

  void apply(const model::SwitchClient& change, Step& step) {
    const auto& plan = *facts_[index(change.site)].plan;
    switch_cable(client_cable(cables_, plan, change.client), change.state, step);
    step.meaning = fmt::format("{} at {}: cable {}", change.client, change.site,
                               change.state == model::Carrier::up ? "up" : "down");
  }

  // Whatever the loss of carrier did to the routes of both ends, they are as before.
  void switch_cable(std::size_t number, model::Carrier state, Step& step) {
    const bool up = state == model::Carrier::up;
    step.changes.push_back(SwitchCable{number, up});
    if (!up) return;
    for (const auto& end : {cables_[number].a, cables_[number].b}) {
      const auto* host = find_host(blueprint_, end.host);
      if (host == nullptr) continue;
      for (const auto& route : host->routes) {
        if (route.device == end.interface) step.changes.push_back(AddRoute{end.host, current(route)});
      }
    }
  }

  // A route as renumbering has left it.
  Route current(const Route& route) const {
    for (std::size_t i = 0; i < facts_.size(); ++i) {
      if (route.via != facts_[i].plan->public4.address) continue;
      Route now = route;
      now.via = public_prefix(*facts_[i].plan, states_[i].public_generation).address;
      return now;
    }
    return route;
  }

  void apply(const model::RenumberSite& change, Step& step) {
    const auto i = index(change.site);
    const auto& plan = *facts_[i].plan;
    auto& state = states_[i];
    const auto old = public_prefix(plan, state.public_generation++);
    const auto now = public_prefix(plan, state.public_generation);
    step.changes.push_back(RenumberInterface{{plan.border(), kWan}, {old}, {now}});
    step.changes.push_back(AddRoute{plan.border(), default_route4(plan)});
    for (const auto& route : inward_routes(plan, state.public_generation)) {
      step.changes.push_back(AddRoute{"internet", route});
    }
    forget(i, step);
    step.meaning = fmt::format("{}: renumbered to {}", change.site, to_string(now.address));
  }

  void apply(const model::ChangeRecord& change, Step& step) {
    const auto found = std::ranges::find(names_, change.name, &model::WorldName::name);
    if (found == names_.end()) {
      names_.push_back({change.name, change.addresses});
    } else {
      found->addresses = change.addresses;
    }
    step.changes.push_back(RewriteFile{"dns", services::world_dns_records(names_)});
    std::vector<std::string> addresses;
    for (const auto& address : change.addresses) addresses.push_back(to_string(address));
    step.meaning = fmt::format("dns: {} is {}", change.name,
                               addresses.empty() ? "gone" : fmt::format("{}", fmt::join(addresses, ", ")));
  }

  void apply(const model::RestartServer& change, Step& step) {
    step.changes.push_back(RestartProgram{change.host});
    step.meaning = fmt::format("{}: restarted", change.host);
  }

  void forget(std::size_t site, Step& step) {
    const auto& plan = *facts_[site].plan;
    step.changes.push_back(ForgetFlows{plan.edge});
    if (plan.has_carrier()) step.changes.push_back(ForgetFlows{plan.carrier});
  }

  void add_rules(const std::vector<SiteState>& before, Step& step) {
    const auto load = [&step](const std::string& host, const RuleTable& was, const RuleTable& is) {
      auto text = difference(was, is);
      if (text.empty()) return;
      if (auto again = second_emptying(was, is); !again.empty()) {
        step.changes.insert(step.changes.begin(), LoadRules{host, std::move(again)});
      }
      step.changes.insert(step.changes.begin(), LoadRules{host, std::move(text)});
    };
    for (std::size_t i = 0; i < facts_.size(); ++i) {
      load(facts_[i].plan->edge, edge_table(facts_[i], before[i]), edge_table(facts_[i], states_[i]));
      if (!facts_[i].plan->has_carrier()) continue;
      load(facts_[i].plan->carrier, carrier_table(facts_[i], before[i]), carrier_table(facts_[i], states_[i]));
    }
    load("internet", internet_table(facts_, before), internet_table(facts_, states_));
  }

  const std::vector<SiteFacts>& facts_;
  const Blueprint& blueprint_;
  std::vector<SiteState> states_;
  std::vector<model::WorldName> names_;
  std::vector<Cable> cables_;
  std::vector<std::size_t> lists_;  // how many lists of each site have been in force
};

}  // namespace

std::vector<std::string> names_of(const std::vector<std::string>& domains) {
  std::vector<std::string> names;
  const auto add = [&names](const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  for (const auto& domain : domains) {
    if (!domain.starts_with("*.")) {
      add(domain);
      continue;
    }
    for (const auto& world : model::world_names()) {
      if (world.name.ends_with(domain.substr(1))) add(world.name);
    }
  }
  return names;
}

std::vector<SiteFacts> site_facts(const model::Scenario& scenario, const std::vector<SitePlan>& plans) {
  std::vector<SiteFacts> all;
  for (const auto& plan : plans) {
    SiteFacts facts;
    facts.plan = &plan;
    facts.user_space_uplink = needs_user_space(plan.site->uplink);
    const auto add_list = [&facts](const std::vector<model::EgressRule>& rules) {
      add_domains(facts.domains, rules);
      facts.lists.push_back({&rules, static_cast<unsigned>(facts.lists.size())});
    };
    if (plan.site->egress) add_list(*plan.site->egress);
    for (const auto& step : scenario.steps) {
      if (const auto* egress = std::get_if<model::ChangeEgress>(&step.change);
          egress && egress->site == plan.site->name) {
        add_list(egress->egress);
      }
      if (const auto* uplink = std::get_if<model::ChangeUplink>(&step.change);
          uplink && uplink->site == plan.site->name) {
        facts.user_space_uplink = facts.user_space_uplink || needs_user_space(uplink->uplink);
      }
    }
    all.push_back(std::move(facts));
  }
  return all;
}

std::vector<SiteState> initial_states(const model::Scenario&, const std::vector<SiteFacts>& facts) {
  std::vector<SiteState> states;
  for (const auto& site : facts) {
    SiteState state;
    if (site.plan->site->egress) state.egress = site.lists.front();
    state.uplink = site.plan->site->uplink;
    states.push_back(std::move(state));
  }
  return states;
}

std::vector<Step> draw_steps(const model::Scenario& scenario, const std::vector<SiteFacts>& facts,
                             const Blueprint& blueprint) {
  Timeline timeline(scenario, facts, blueprint);
  std::vector<Step> steps;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const auto& site = *facts[i].plan->site;
    for (const auto& nat : {site.nat, site.carrier}) {
      if (!nat || !nat->rebind) continue;
      for (auto& step : timeline.rebind(i, *nat->rebind)) steps.push_back(std::move(step));
      break;
    }
  }
  for (const auto& step : scenario.steps) steps.push_back(timeline.apply(step));
  std::ranges::stable_sort(steps, {}, &Step::at);
  return steps;
}

}  // namespace crypelab::blueprint
