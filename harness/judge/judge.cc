#include "harness/judge/judge.h"

#include "harness/blueprint/drawing.h"
#include "harness/judge/cause.h"
#include "harness/judge/ceilings.h"
#include "harness/judge/expectations.h"
#include "harness/judge/findings.h"
#include "harness/judge/requirements.h"
#include "harness/judge/results.h"
#include "harness/judge/story.h"
#include "harness/model/describe.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

using model::Outcome;

// The proxies of its site that a client asks by its settings: as far as they say which.
std::vector<const model::Proxy*> asked_proxies(const model::Client& client, const model::Site& site) {
  const auto& use = client.job.proxy;
  const bool by_device = client.job.app != model::App::desktop && client.job.app != model::App::desktop_split;
  if (client.job.app == model::App::desktop_unconfigured || (use.mode == model::ProxyMode::direct && !by_device))
    return {};
  std::vector<const model::Proxy*> asked;
  for (const auto& proxy : site.proxies) {
    const auto name = fmt::format("{}.{}.test", proxy.name, site.name);
    const auto is_named = [&](const std::string& word) { return use.rules.find(word) != std::string::npos; };
    if (use.mode != model::ProxyMode::fixed_servers || is_named(name) || std::ranges::any_of(proxy.names, is_named))
      asked.push_back(&proxy);
  }
  return asked;
}

// The features (clients/CONTRACT.md, hello) without which what a client is expected to do cannot be done.
std::vector<std::string> needed_features(const model::Scenario& scenario, const std::string& name) {
  std::vector<std::string> needed;
  for (const auto& expected : scenario.expectations) {
    const auto* path = std::get_if<model::ExpectPath>(&expected.what);
    if (path == nullptr || path->client != name || path->classes.size() != 1) continue;
    if (path->classes.front() == model::PathClass::relay_tcp) needed.emplace_back("turn-tcp");
    if (path->classes.front() == model::PathClass::relay_tls) needed.emplace_back("turn-tls");
  }
  const auto* client = model::find_client(scenario, name);
  const auto* site =
      client == nullptr || client->sites.empty() ? nullptr : model::find_site(scenario, client->sites.front());
  if (site == nullptr) return needed;
  const auto proxies = asked_proxies(*client, *site);
  if (proxies.size() != 1) return needed;  // one that it can use may be among several
  for (const auto* proxy : proxies) {
    if (proxy->auth.size() != 1) continue;
    switch (proxy->auth.front()) {
      case model::AuthScheme::basic:
        needed.emplace_back("proxy-basic");
        break;
      case model::AuthScheme::digest:
        needed.emplace_back("proxy-digest");
        break;
      case model::AuthScheme::ntlm:
        needed.emplace_back("proxy-ntlm");
        break;
      case model::AuthScheme::negotiate:
        needed.emplace_back("proxy-negotiate");
        break;
    }
  }
  return needed;
}

// A client that says in its hello that it lacks a feature, or ends with 127, does not fail what needs it: it is
// unsupported; never inferred from a failure.
std::string lacking(const model::Scenario& scenario, const evidence::Attempt& attempt,
                    const std::vector<std::string>& required) {
  for (const auto& party : attempt.parties) {
    if (party.features.empty()) continue;
    for (const auto& feature : needed_features(scenario, party.client)) {
      const bool has = std::ranges::find(party.features, feature) != party.features.end();
      const bool must = std::ranges::find(required, feature) != required.end();
      if (!has && !must) return party.client + " says that it has no " + feature;
    }
  }
  return "";
}

void excuse(std::vector<ExpectationVerdict>& verdicts, const std::string& reason) {
  for (auto& verdict : verdicts) {
    if (!verdict.lacks || verdict.outcome == Outcome::pass || verdict.outcome == Outcome::inconclusive) continue;
    verdict.outcome = Outcome::unsupported;
    verdict.reason = reason;
  }
}

void append(std::vector<model::Verdict>& to, std::vector<model::Verdict> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

model::Judgement judge(const model::Scenario& scenario, const evidence::Attempt& attempt, const Options& options) {
  const Scene scene(scenario, attempt);
  const Connection connection = connection_of(scene);
  const Ground ground{scene, connection};
  model::Judgement judgement;
  judgement.scenario = attempt.scenario;
  judgement.title = scenario.title;
  judgement.proves = scenario.proves;
  judgement.started = attempt.started;
  judgement.attempt = attempt.number;
  judgement.seed = attempt.seed;

  append(judgement.verdicts, find_lab_faults(scene));
  std::vector<ExpectationVerdict> expectations;
  for (const auto& expected : scenario.expectations) expectations.push_back(judge_expectation(ground, expected));
  if (expectations.empty()) {
    ExpectationVerdict nothing;
    nothing.check = "expect";
    nothing.what = "something is expected";
    nothing.outcome = Outcome::inconclusive;
    nothing.reason = "the scenario expects nothing";
    expectations.push_back(std::move(nothing));
  }
  auto breaches = find_contract_breaches(scene);
  std::string excuse_of = lacking(scenario, attempt, options.required);
  for (const auto& breach : breaches) {
    if (breach.outcome == Outcome::unsupported && excuse_of.empty()) excuse_of = breach.reason;
  }
  if (!excuse_of.empty()) excuse(expectations, excuse_of);
  judgement.verdicts.insert(judgement.verdicts.end(), expectations.begin(), expectations.end());
  append(judgement.verdicts, std::move(breaches));
  append(judgement.verdicts, find_contradictions(scene, connection));
  append(judgement.verdicts, find_secrets(scene));
  append(judgement.verdicts, judge_requirements(scene, connection));

  judgement.outcome = model::outcome_of(judgement.verdicts);
  judgement.clients = results_of(scene, connection);
  judgement.ceilings = ceilings_of(scene);
  judgement.no_ceiling = without_ceiling(scene);
  const auto start = scene.start();
  if (connection.at && start) judgement.time_to_connect = *connection.at - *start;
  judgement.why = cause_of(scene, judgement.verdicts, judgement.clients);
  judgement.story = story_of(scene, connection);
  judgement.timeline = timeline_of(scene, options.timeline);
  judgement.topology = blueprint::as_svg(scenario, scene.plan());
  return judgement;
}

}  // namespace crypelab::judge
