#include "harness/lab/lab.h"

#include "harness/base/descriptor.h"
#include "harness/base/error.h"
#include "harness/base/overloaded.h"
#include "harness/kernel/side_by_side.h"
#include "harness/lab/machine.h"
#include "harness/services/turn_drops.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/capability.h>
#include <unistd.h>

namespace crypelab::lab {
namespace {

using namespace std::chrono_literals;

// What has not prepared its host by then never will have.
constexpr auto kPatience = 5s;

// A user namespace of one user knows one group, and a range of groups that may ping ends there (icmp(7)).
blueprint::Blueprint suited(blueprint::Blueprint plan, const kernel::Supervised& supervised) {
  if (!supervised.rootless()) return plan;
  const auto group = supervised.identity(0).group;
  for (auto& host : plan.hosts) {
    for (auto& sysctl : host.sysctls) {
      if (sysctl.path == "ipv4/ping_group_range") sysctl.value = fmt::format("{0} {0}", group);
    }
  }
  return plan;
}

// Of a program of somebody else it must be said what it has not done.
std::string what_was_awaited(const services::Process& plan) {
  const auto* tls = std::get_if<services::AnswersTls>(&plan.readiness);
  return tls == nullptr ? "" : fmt::format(": no TLS for {} at {}", tls->name, to_string(tls->server));
}

// Those of the scenario, and all that services will be told: made now, so that nobody can say them before they are
// known.
std::vector<evidence::Secret> secrets_of(const blueprint::Blueprint& plan, Secrets& made) {
  std::vector<evidence::Secret> secrets;
  for (const auto& secret : plan.secrets) secrets.push_back({secret.name, secret.value});
  for (const auto& process : plan.processes) {
    for (const auto& file : process.files) {
      if (!file.verbatim) made.put_into(file.content);
    }
  }
  for (const auto& [name, value] : made.all()) secrets.push_back({name, value});
  return secrets;
}

}  // namespace

namespace {

bool is_there(const std::string& program) {
  if (program.find('/') == std::string::npos) return find_program(program).has_value();
  std::error_code error;
  return access(program.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(program, error);
}

// Asked before anything is brought up: afterwards the failure would be a translator's.
void require_tunnel_device() {
  if (Descriptor(::open("/dev/net/tun", O_RDWR | O_CLOEXEC))) return;
  if (errno == EACCES || errno == EPERM) {
    throw Failure(Exit::privilege,
                  "nat64 needs /dev/net/tun, which this user may not open; allow it with: sudo chmod 666 /dev/net/tun");
  }
  throw Failure(Exit::unavailable, "nat64 needs /dev/net/tun, which is not there; load it with: sudo modprobe tun");
}

}  // namespace

void require_programs(const blueprint::Blueprint& plan) {
  std::set<std::string> packages;
  std::set<std::string> missing;
  const auto need = [&](const std::string& name, const std::string& package) {
    if (name.find('/') != std::string::npos || name.starts_with('{') || find_program(name)) return;
    missing.insert(name);
    packages.insert(package);
  };
  for (const auto& process : plan.processes) {
    if (process.package.empty() && !process.argv.front().starts_with('{') && !is_there(process.argv.front()))
      throw Failure(Exit::unavailable, missing_program(process));
    need(process.argv.front(), process.package);
    for (const auto& name : process.programs) need(name, process.package);
  }
  for (const auto& host : plan.hosts) {
    for (const auto& preparation : host.preparations) need(preparation.argv.front(), preparation.package);
  }
  if (!missing.empty()) {
    throw Failure(Exit::unavailable,
                  fmt::format("this scenario needs {}, not installed here; install with: apt-get install {}",
                              fmt::join(missing, ", "), fmt::join(packages, " ")));
  }
  if (std::ranges::any_of(plan.processes, &services::Process::tunnel_device)) require_tunnel_device();
}

Lab::Lab(const blueprint::Blueprint& plan, const kernel::Supervised& supervised, std::vector<std::string> visible,
         const std::vector<CapturePoint>& points, const std::vector<std::string>& expected)
    : plan_(suited(plan, supervised)),
      supervised_(&supervised),
      visible_(std::move(visible)),
      redaction_(secrets_of(plan_, secrets_)),
      network_(plan_, points) {
  // A program that has ended is seen where it is waited for, not by the signal of a pipe that leads to it.
  std::signal(SIGPIPE, SIG_IGN);
  start_services(expected);
  for (const auto& host : plan_.hosts) network_.raise_tunnel(host);
  prepare_hosts();
  up_ = Loop::Clock::now();
  for (auto& service : services_) attend(service);
}

void Lab::attend(Service& service) {
  loop_.watch(service.output(), [this, &service] { take_output(service); });
  // Its end closes the descriptor that told of it: what is watched is to be forgotten by the number that it had.
  loop_.watch(service.end(), [this, &service, end = service.end()] {
    const auto status = service.ended();
    if (!status) return;
    take_output(service);
    loop_.forget(end);
    loop_.forget(service.output());
    casualties_.push_back(fmt::format("{} ended: {}\n{}", service.plan().name, status->text(), service.last_words()));
    events_.push_back({now(),
                       model::Source::lab,
                       service.plan().name,
                       "service-died",
                       {{"how", status->text()}, {"words", service.last_words()}}});
  });
}

Lab::~Lab() {
  for (auto& service : services_) service.condemn();
  // The kernel waits for all of its processors whenever the last descriptor of a view goes: for all of them at once,
  // while the programs end.
  std::vector<kernel::HostView> views;
  for (auto& service : services_) views.push_back(service.take_view());
  for (auto& [host, view] : views_) views.push_back(std::move(view));
  auto going =
      kernel::in_threads(views.size(), [&](std::size_t number) { const auto gone = std::move(views[number]); });
  services_.clear();
  for (auto& thread : going) thread.join();
}

// Twice: a program that was asleep may find the question before what had come earlier by another way.
void Lab::settle(std::chrono::milliseconds patience) {
  const auto deadline = Loop::Clock::now() + patience;
  for (int round = 0; round < 2; ++round) {
    std::vector<Service*> asked;
    for (auto& service : services_) {
      if (!service.ended() && service.ask_again()) asked.push_back(&service);
    }
    while (!asked.empty() && Loop::Clock::now() < deadline) {
      std::erase_if(asked, [](Service* service) { return service->ended() || service->answered(); });
      if (!asked.empty()) loop_.run_until([] { return false; }, Loop::Clock::now() + 1ms);
    }
  }
  for (auto& service : services_) take_output(service);
  // Of all that has been counted until now.
  std::erase_if(events_, [](const model::Event& event) { return event.kind == services::kTurnDropped; });
  std::ranges::move(services::turn_drops(events_), std::back_inserter(events_));
}

void Lab::watch_lines(std::function<void(const std::string& service, std::string_view line)> told) {
  for (auto& service : services_) {
    service.watch_lines([told, name = service.plan().name](std::string_view line) { told(name, line); });
  }
}

void Lab::take_output(Service& service) {
  for (auto& event : service.read_output()) {
    event.at = Loop::Clock::now() - up_;
    event.where = service.plan().name;
    events_.push_back(std::move(event));
  }
}

// Those that nobody needs to wait for first, then those that waited for them, and so on.
void Lab::start_services(std::vector<std::string> expected) {
  std::set<std::string> to_come;
  for (const auto& process : plan_.processes) to_come.insert(process.name);
  while (!to_come.empty()) {
    std::vector<std::size_t> next;
    for (std::size_t i = 0; i < plan_.processes.size(); ++i) {
      const auto& process = plan_.processes[i];
      if (to_come.contains(process.name) && !to_come.contains(process.after)) next.push_back(i);
    }
    if (next.empty()) throw Failure(Exit::software, "services that wait for one another");
    const auto identity = [this](std::size_t i) {
      return supervised_->identity(static_cast<unsigned>(plan_.hosts.size() + i));
    };
    std::vector<kernel::HostViewPlan> plans;
    for (const auto i : next) {
      plans.push_back(Service::view_of(plan_.processes[i], plan_, network_, identity(i), trust_, secrets_));
    }
    auto views = kernel::build_views(plans);
    for (std::size_t k = 0; k < next.size(); ++k) {
      const auto& process = plan_.processes[next[k]];
      services_.emplace_back(process, network_, identity(next[k]), std::move(views[k]), redaction_);
      to_come.erase(process.name);
    }
    // While the services begin, which takes longer.
    prepare_views(std::exchange(expected, {}));
    await_services();
  }
}

// All of them side by side; a millisecond is shorter than any of them needs.
void Lab::await_services() {
  const auto begin = Loop::Clock::now();
  for (auto& service : services_) {
    const auto ready = [&service] { return service.ready(); };
    while (!ready()) {
      if (Loop::Clock::now() > begin + service.plan().patience) {
        throw Failure(Exit::unavailable, fmt::format("{} was not ready within {} s{}; its last words:\n{}",
                                                     service.plan().name, service.plan().patience.count(),
                                                     what_was_awaited(service.plan()), service.last_words()));
      }
      Loop pause;
      pause.watch(service.output(), [] {});
      pause.run_until([] { return false; }, Loop::Clock::now() + 1ms);
    }
  }
}

// All of them side by side. What they ask for they read at once, and it fits into a pipe.
void Lab::prepare_hosts() {
  struct Running {
    const blueprint::Host* host;
    const blueprint::Preparation* preparation;
    LineReader output;
    kernel::Program program;
  };
  std::deque<Running> running;
  for (const auto& host : plan_.hosts) {
    for (const auto& preparation : host.preparations) {
      auto [in_reading, in_writing] = make_pipe();
      auto [out_reading, out_writing] = make_pipe();
      if (write(in_writing.get(), preparation.input.data(), preparation.input.size()) < 0)
        throw_errno("write to a pipe");
      auto program = start(host.name, {.arguments = preparation.argv,
                                       .descriptors = {in_reading.get(), out_writing.get(), out_writing.get()}});
      running.push_back({&host, &preparation, LineReader(std::move(out_reading)), std::move(program)});
    }
  }
  const auto deadline = Loop::Clock::now() + kPatience;
  for (auto& each : running) {
    const auto status = each.program.wait_until(deadline);
    if (status && status->exit_status() == 0) continue;
    std::string words;
    while (auto line = each.output.next()) words += "  " + *line + "\n";
    throw Failure(Exit::unavailable, fmt::format("{} on {}: {}\n{}", each.preparation->argv.front(), each.host->name,
                                                 status ? status->text() : "not done in time", redaction_(words)));
  }
}

unsigned Lab::number(const std::string& host) const {
  const auto found = std::ranges::find(plan_.hosts, host, &blueprint::Host::name);
  return static_cast<unsigned>(found - plan_.hosts.begin());
}

kernel::HostViewPlan Lab::view_of(const std::string& name) {
  const auto* host = blueprint::find_host(plan_, name);
  if (host == nullptr) {
    std::vector<std::string_view> known;
    for (const auto& each : plan_.hosts) known.push_back(each.name);
    throw Failure(Exit::usage, fmt::format("there is no host '{}' in {}; there are {}", name, plan_.scenario,
                                           fmt::join(known, ", ")));
  }
  kernel::HostViewPlan view;
  view.name = name;
  view.identity = supervised_->identity(number(name));
  view.network = network_.host(name).descriptor();
  view.hosts = "127.0.0.1 localhost\n::1 localhost\n";
  for (const auto& interface : host->interfaces) {
    for (const auto& prefix : interface.addresses)
      view.hosts += fmt::format("{} {}\n", to_string(prefix.address), name);
  }
  for (const auto& resolver : host->resolvers) view.resolv_conf += "nameserver " + to_string(resolver) + "\n";
  if (!host->search.empty()) view.resolv_conf += "search " + host->search + "\n";
  view.authorities = trust_.authorities(host->trusts);
  view.files = host->files;
  view.visible = visible_;
  view.visible.push_back(own_folder());
  return view;
}

kernel::HostView& Lab::view(const std::string& name) {
  if (!views_.contains(name)) prepare_views({name});
  return views_.at(name);
}

void Lab::prepare_views(const std::vector<std::string>& names) {
  std::vector<kernel::HostViewPlan> plans;
  for (const auto& name : names) plans.push_back(view_of(name));
  auto built = kernel::build_views(plans);
  for (std::size_t i = 0; i < names.size(); ++i) views_.insert_or_assign(names[i], std::move(built[i]));
}

kernel::Program Lab::start(const std::string& host, const HostProgram& program) {
  return kernel::Program(seat(host, program).plan);
}

kernel::Seat Lab::seat(const std::string& host, const HostProgram& program) {
  auto& seen = view(host);
  kernel::ProgramPlan start;
  start.arguments = program.arguments;
  start.environment = {{"HOME", std::string(kernel::HostView::home)},
                       {"LANG", "C.UTF-8"},
                       {"LOGNAME", "user"},
                       {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
                       {"USER", "user"}};
  if (const auto* drawn = blueprint::find_host(plan_, host); drawn != nullptr) {
    for (const auto& [name, value] : drawn->environment) start.environment[name] = value;
  }
  for (const auto& [name, value] : program.environment) start.environment[name] = value;
  start.directory = program.directory.empty() ? std::string(kernel::HostView::home) : program.directory;
  start.network = network_.host(host).descriptor();
  start.mounts = seen.mounts();
  start.host_name = host;
  start.identity = supervised_->identity(number(host));
  if (program.privileged) start.capabilities = {CAP_NET_ADMIN, CAP_NET_RAW};
  start.descriptors = program.descriptors;
  return {std::move(start), &seen};
}

Lab::Credentials Lab::credentials(const std::string& client) {
  Credentials credentials;
  credentials.token = secrets_.of("token-" + client);
  credentials.proof = secrets_.of("proof-" + client);
  const auto& access = plan_.turn_access;
  if (access.credentials == model::TurnCredentials::long_term) {
    credentials.turn = {client, secrets_.of("turn-" + client)};
  } else {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    credentials.turn = time_limited_login(
        secrets_.of("turn"), client, std::chrono::ceil<std::chrono::seconds>(now + access.credential_life).count());
  }
  return credentials;
}

void Lab::start_steps() {
  const auto now = Loop::Clock::now();
  for (const auto& step : plan_.steps) schedule(step, now + step.at);
}

void Lab::schedule(const blueprint::Step& step, Loop::Clock::time_point moment) {
  loop_.at(moment, [this, &step, moment] {
    if (before_step_) before_step_(step);
    for (const auto& change : step.changes) apply(change);
    if (step.every.count() > 0) schedule(step, moment + step.every);
  });
}

void Lab::apply(const blueprint::Change& change) {
  std::visit(Overloaded{
                 [this](const blueprint::LoadRules& load) { network_.load_rules(load.host, load.rule_set); },
                 [this](const blueprint::SwitchCable& cable) { network_.switch_cable(cable.cable, cable.up); },
                 [this](const blueprint::ChangeCable& cable) { network_.change_cable(cable.cable, cable.now); },
                 [this](const blueprint::RenumberInterface& renumber) { network_.renumber(renumber); },
                 [this](const blueprint::AddRoute& add) { network_.add_route(add.host, add.route); },
                 [this](const blueprint::ForgetFlows& forget) { network_.forget_flows(forget.host); },
                 [this](const blueprint::RestartProgram& restart) {
                   const auto service = std::ranges::find_if(
                       services_, [&](const Service& each) { return each.plan().name == restart.process; });
                   if (service == services_.end() || service->ended()) return;
                   take_output(*service);
                   loop_.forget(service->end());
                   loop_.forget(service->output());
                   service->restart();
                   events_.push_back({now(), model::Source::lab, service->plan().name, "service-restarted", {}});
                   attend(*service);
                 },
                 [this](const blueprint::RewriteFile& rewrite) {
                   const auto service = std::ranges::find_if(
                       services_, [&](const Service& each) { return each.plan().name == rewrite.process; });
                   if (service != services_.end()) service->rewrite(rewrite.file);
                 },
             },
             change);
}

}  // namespace crypelab::lab
