#include "harness/report/run.h"

#include "harness/base/error.h"
#include "harness/blueprint/blueprint.h"
#include "harness/cli/commands.h"
#include "harness/cli/driver.h"
#include "harness/cli/judging.h"
#include "harness/cli/output.h"
#include "harness/cli/progress.h"
#include "harness/cli/selection.h"
#include "harness/evidence/attempt_folder.h"
#include "harness/evidence/attempt_reader.h"
#include "harness/lab/attempt_process.h"
#include "harness/lab/lab.h"
#include "harness/lab/schedule.h"
#include "harness/scenario/copy.h"
#include "harness/scenario/loader.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

namespace crypelab::cli {
namespace {

namespace fs = std::filesystem;

// Files and folders as they are, and names of scenarios that come with the program. A tier decides among what was not
// named itself.
std::vector<model::Scenario> selected(const Run& command) {
  std::vector<model::Scenario> scenarios;
  const auto add = [&](std::vector<model::Scenario> more, bool by_name) {
    for (auto& scenario : more) {
      if (scenario.tier > command.tier.value_or(by_name ? model::Tier::soak : model::Tier::quick)) continue;
      if (!by_name && scenario.expectations.empty()) continue;  // nothing to judge
      const bool fits = scenario.name.find(command.filter) != std::string::npos ||
                        scenario.title.find(command.filter) != std::string::npos;
      const bool known = std::ranges::find(scenarios, scenario.name, &model::Scenario::name) != scenarios.end();
      if (fits && !known) scenarios.push_back(std::move(scenario));
    }
  };
  auto paths = command.scenarios;
  if (paths.empty()) paths.push_back(scenario_folder());
  std::error_code error;
  for (const auto& path : paths) {
    if (path.empty()) throw Failure(Exit::usage, "no scenarios found here; name a file or a folder");
    if (fs::exists(path, error)) {
      add(select({path}), !fs::is_directory(path, error));
    } else {
      add({select_one(path)}, true);
    }
  }
  if (scenarios.empty()) throw Failure(Exit::usage, "no scenario fits; 'crypelab list' shows them all");
  return scenarios;
}

// Who plays whom: by client, and by "" for everybody else.
std::map<std::string, model::Driver> cast(const Run& command, const std::vector<model::Scenario>& scenarios) {
  std::map<std::string, model::Driver> drivers;
  for (const auto& text : command.clients) {
    const auto equals = text.find('=');
    const bool named = equals != std::string::npos && text.find('/') > equals;
    const auto client = named ? text.substr(0, equals) : "";
    const bool known = client.empty() || std::ranges::any_of(scenarios, [&](const model::Scenario& scenario) {
                         return model::find_client(scenario, client) != nullptr;
                       });
    if (!known) throw Failure(Exit::usage, fmt::format("no scenario of this run has a client '{}'", client));
    if (!drivers.try_emplace(client, find_driver(named ? text.substr(equals + 1) : text)).second)
      throw Failure(Exit::usage, fmt::format("two drivers for {}", client.empty() ? "all clients" : client));
  }
  const bool all = drivers.contains("") || std::ranges::all_of(scenarios, [&](const model::Scenario& scenario) {
                     return std::ranges::all_of(
                         scenario.clients, [&](const model::Client& client) { return drivers.contains(client.name); });
                   });
  if (!all) drivers[""] = find_driver(kReferenceDriver);
  return drivers;
}

fs::path default_folder() {
  const auto now = std::time(nullptr);
  return fs::path("crypelab-runs") / fmt::format("{:%Y%m%d-%H%M%S}", fmt::localtime(now));
}

// Passwords of scenarios that come with the program are no secrets of anybody's.
bool may_keep_keys(const model::Scenario& scenario, const lab::TrialPlan& plan) {
  const bool own = plan.drawn.secrets.empty() || comes_with_program(scenario.file);
  return own && std::ranges::all_of(plan.drivers, [](const auto& entry) { return entry.second.secrets.empty(); });
}

lab::TrialPlan trial_plan(const Run& command, const model::Scenario& scenario,
                          const std::map<std::string, model::Driver>& drivers) {
  lab::TrialPlan plan;
  plan.scenario = scenario;
  plan.drawn = blueprint::draw(scenario);
  for (const auto& client : scenario.clients) {
    const auto named = drivers.find(client.name);
    plan.drivers[client.name] = named != drivers.end() ? named->second : drivers.at("");
  }
  plan.seed = command.seed;
  plan.program = kVersion;
  plan.capture = !command.no_capture;
  plan.keys = command.keep_keys || may_keep_keys(scenario, plan);
  return plan;
}

// So many attempts can be brought up at once without one of them missing a deadline of the protocols.
constexpr unsigned kYoungPerProcessor = 2;

// What is measured must not be disturbed.
bool measures(const model::Scenario& scenario) {
  const auto is_throughput = [](const model::Phase& phase) { return std::holds_alternative<model::Throughput>(phase); };
  return std::ranges::any_of(scenario.work, is_throughput) ||
         std::ranges::any_of(scenario.expectations, [](const model::Expectation& expected) {
           const auto* echo = std::get_if<model::ExpectEcho>(&expected.what);
           return std::holds_alternative<model::ExpectThroughput>(expected.what) || (echo != nullptr && echo->rtt);
         });
}

// Who does not connect is given the time of every timer.
bool lingers(const model::Scenario& scenario) {
  return std::ranges::any_of(scenario.expectations, [](const model::Expectation& expected) {
    return std::holds_alternative<model::ExpectNotConnected>(expected.what) ||
           std::holds_alternative<model::ExpectStaysConnected>(expected.what);
  });
}

void put_scenario(const lab::TrialPlan& plan) {
  const auto folder = fs::path(evidence::kScenarioFile).parent_path();
  for (const auto& file : scenario::copy(plan.scenario.file)) {
    evidence::put_file(plan.folder, (folder / file.name).string(), file.text);
  }
}

std::string name_of(const lab::TrialPlan& plan, unsigned repeat) {
  return repeat == 1 ? plan.scenario.name : fmt::format("{} (attempt {})", plan.scenario.name, plan.number);
}

// Asked in the lab's own process.
bool is_to_be_looked_at(const fs::path& folder, const std::string& scenario, const judge::Options& options) {
  const auto judgement = judge_folder(folder, options);
  if (!report::is_failure(judgement.outcome)) return false;
  fmt::print(stderr, "{}: {}: {}\npaused: 'crypelab shell {}' attaches to it; Ctrl-C ends the run\n", scenario,
             model::to_string(judgement.outcome), judgement.why, scenario);
  return true;
}

// Evidence that cannot be read again is a defect of ours, and no verdict about anybody.
model::Judgement judged(const lab::TrialPlan& plan, const judge::Options& options) {
  try {
    return judge_folder(plan.folder, options);
  } catch (const Failure& failure) {
    model::Judgement judgement;
    judgement.scenario = plan.scenario.name;
    judgement.title = plan.scenario.title;
    judgement.attempt = plan.number;
    judgement.seed = plan.seed;
    judgement.outcome = model::Outcome::inconclusive;
    judgement.why = failure.what();
    return judgement;
  }
}

std::deque<lab::Planned> planned(const Run& command, const std::vector<model::Scenario>& scenarios,
                                 const std::map<std::string, model::Driver>& drivers, const evidence::RunFolder& folder,
                                 const judge::Options& options) {
  std::deque<lab::Planned> attempts;
  for (const auto& scenario : scenarios) {
    for (unsigned number = 1; number <= command.repeat; ++number) {
      auto& plan =
          attempts
              .emplace_back(lab::Planned{trial_plan(command, scenario, drivers), measures(scenario), lingers(scenario)})
              .plan;
      plan.number = number;
      plan.folder = folder.attempt(scenario.name, number);
      if (command.pause)
        plan.pause = [&plan, options] { return is_to_be_looked_at(plan.folder, plan.scenario.name, options); };
    }
  }
  return attempts;
}

// A program that one scenario needs and that is missing makes that one inconclusive; when nothing can run, nothing
// does.
void require_something(const std::deque<lab::Planned>& attempts) {
  std::optional<Failure> missing;
  for (const auto& attempt : attempts) {
    try {
      lab::require_programs(attempt.plan.drawn);
      return;
    } catch (const Failure& failure) {
      if (!missing) missing = failure;
    }
  }
  throw *missing;
}

// Each driver is asked once whether it refuses what it does not know.
void probe(std::deque<lab::Planned>& attempts) {
  std::map<std::string, int> probes;
  for (auto& attempt : attempts) {
    for (const auto& [client, driver] : attempt.plan.drivers) {
      if (!probes.contains(driver.name)) probes[driver.name] = lab::probe_driver(driver, attempt.plan.scenario, client);
      attempt.plan.probes[driver.name] = probes.at(driver.name);
    }
  }
}

// As they were asked for, whichever ended first; what was not begun is told.
void in_order(report::Run& run, const std::deque<lab::Planned>& attempts) {
  std::vector<model::Judgement> ordered;
  for (const auto& attempt : attempts) {
    const auto found = std::ranges::find_if(run.judgements, [&](const model::Judgement& judgement) {
      return judgement.scenario == attempt.plan.scenario.name && judgement.attempt == attempt.plan.number;
    });
    if (found != run.judgements.end()) {
      ordered.push_back(std::move(*found));
    } else if (attempt.plan.number == 1) {
      run.not_covered.push_back({attempt.plan.scenario.name, "the run was interrupted before it"});
    }
  }
  run.judgements = std::move(ordered);
}

void put_reports(const fs::path& folder, const report::Run& run) {
  evidence::put_file(folder, "run.json", report::to_json(run));
  evidence::put_file(folder, "junit.xml", report::to_junit(run));
  evidence::put_file(folder, "index.html", report::to_html(run));
}

}  // namespace

int run(const Run& command) {
  const auto begun = std::chrono::steady_clock::now();
  const auto scenarios = selected(command);
  const auto drivers = cast(command, scenarios);
  const auto where = command.out.empty() ? default_folder() : fs::path(command.out);
  const evidence::RunFolder folder(fs::absolute(where).lexically_normal());
  const judge::Options options{.required = command.require};
  auto attempts = planned(command, scenarios, drivers, folder, options);
  report::Run run;
  run.program = kVersion;
  run.started = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  run.seed = command.seed;
  require_something(attempts);
  probe(attempts);
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  Progress progress(attempts.size(), terminal);
  const lab::ScheduleWatcher watcher{
      [&](const lab::TrialPlan& plan) {
        evidence::make_attempt_folder(plan.folder);
        put_scenario(plan);
        progress.started(name_of(plan, command.repeat));
      },
      [&](const lab::TrialPlan& plan, std::chrono::milliseconds took) {
        auto judgement = judged(plan, options);
        judgement.folder = plan.folder.lexically_relative(folder.path());
        progress.finished(name_of(plan, command.repeat), took, std::string(model::to_string(judgement.outcome)),
                          judgement.outcome == model::Outcome::pass ? "" : judgement.why);
        run.judgements.push_back(std::move(judgement));
      },
      [&] { progress.tick(); }};
  const auto processors = std::max(1U, std::thread::hardware_concurrency());
  const lab::Room room{command.jobs != 0 ? command.jobs : processors, std::size_t{kYoungPerProcessor} * processors};
  const int signal = lab::run_all(attempts, room, watcher);
  progress.end();
  run.complete = signal == 0;
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  in_order(run, attempts);
  put_reports(folder.path(), run);
  put(report::to_table(run, terminal));
  put(fmt::format("report: {}\n", (where / "index.html").string()));
  return signal != 0 ? 128 + signal : static_cast<int>(report::status_of(run, command.strict));
}

}  // namespace crypelab::cli
