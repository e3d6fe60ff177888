#include "harness/lab/front.h"

#include "harness/base/descriptor.h"
#include "harness/base/error.h"
#include "harness/evidence/event_line.h"
#include "harness/kernel/attach_socket.h"
#include "harness/kernel/session_client.h"
#include "harness/lab/lab.h"
#include "harness/lab/measurement.h"
#include "harness/lab/measurement_cache.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

namespace crypelab::lab {
namespace {

// Labs of one scenario beyond the first are called NAME~2, NAME~3 ...
constexpr int kMostTwins = 64;

std::string socket_name(std::string scenario, int number) {
  std::ranges::replace(scenario, '/', '.');
  return number == 1 ? scenario : fmt::format("{}~{}", scenario, number);
}

std::optional<kernel::AttachSocket> listen(const std::string& scenario) {
  std::optional<kernel::AttachSocket> socket;
  for (int number = 1; number <= kMostTwins && !socket; ++number) {
    try {
      socket.emplace(socket_name(scenario, number));
    } catch (const Failure& taken) {
      if (taken.exit() != Exit::unavailable) throw;
    }
  }
  return socket;  // without one the lab runs all the same, and cannot be attached to
}

// Somebody attaches: the lab looks who it is, and gives them a session.
class Door : public kernel::Pollable {
 public:
  Door(const std::optional<kernel::AttachSocket>& socket, kernel::SessionServer& sessions)
      : socket_(&socket), sessions_(&sessions) {}
  void want(std::vector<pollfd>& into) override {
    if (*socket_) into.push_back({(*socket_)->descriptor(), POLLIN, 0});
  }
  void ready() override {
    if (!*socket_) return;
    while (auto connection = (*socket_)->accept()) sessions_->add(std::move(*connection));
  }

 private:
  const std::optional<kernel::AttachSocket>* socket_;
  kernel::SessionServer* sessions_;
};

HostProgram program_of(const kernel::SessionRequest& request, Lab& lab, const std::string& host,
                       const std::string& directory) {
  HostProgram program{.arguments = request.arguments, .directory = directory, .privileged = request.privileged};
  const auto* const where = blueprint::find_host(lab.plan(), host);
  if (where != nullptr && where->role == blueprint::Role::client) {
    const auto credentials = lab.credentials(host);
    program.environment["CRYPELAB_TOKEN"] = credentials.token;
    program.environment["CRYPELAB_TURN_USER"] = credentials.turn.user;
    program.environment["CRYPELAB_TURN_PASSWORD"] = credentials.turn.password;
  }
  if (!request.terminal_type.empty()) program.environment["TERM"] = request.terminal_type;
  if (program.arguments.empty()) {
    const bool bash = access("/bin/bash", X_OK) == 0;
    program.arguments = bash ? std::vector<std::string>{"/bin/bash", "--norc", "--noprofile", "-i"}
                             : std::vector<std::string>{"/bin/sh", "-i"};
    program.environment["PS1"] = fmt::format("[{} in {}] {}$ ", host, lab.plan().scenario, bash ? "\\w " : "");
    program.environment["HISTFILE"] = "";
  }
  return program;
}

kernel::SessionRequest session_request(const FrontRequest& request) {
  return {.host = request.host, .privileged = request.privileged, .arguments = request.arguments};
}

std::string first_client(const blueprint::Blueprint& plan) {
  const auto client = std::ranges::find(plan.hosts, blueprint::Role::client, &blueprint::Host::role);
  return client == plan.hosts.end() ? plan.hosts.front().name : client->name;
}

// How long services may take to say what they saw last, once nobody is there any more.
constexpr std::chrono::milliseconds kSettling{1000};

Descriptor open_events(const std::string& path) {
  if (path.empty()) return {};
  Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) throw Failure(Exit::io, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  return file;
}

void write_events(const Descriptor& file, const Lab& lab) {
  std::string text;
  for (const auto& event : lab.events()) text += evidence::event_line(event, lab.redaction());
  for (std::string_view rest = text; !rest.empty();) {
    const auto written = write(file.get(), rest.data(), rest.size());
    if (written < 0) throw_errno("writing the events");
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

int run_in_front(const blueprint::Blueprint& plan, const FrontRequest& request) {
  require_programs(plan);
  const std::string here = std::filesystem::current_path();
  const bool visible = kernel::may_be_visible(here);
  const auto socket = listen(plan.scenario);
  const auto events = open_events(request.events);
  auto [front, back] = kernel::PacketSocket::pair();
  kernel::SessionClient client(std::move(front), session_request(request));
  const int status = kernel::supervise(
      [&, &lab_end = back](kernel::Supervised& supervised) {
        Lab lab(plan, supervised, visible ? std::vector<std::string>{here} : std::vector<std::string>{});
        kernel::SessionServer sessions([&](const kernel::SessionRequest& asked) {
          const std::string host = asked.host.empty() ? first_client(plan) : asked.host;
          return lab.seat(host, program_of(asked, lab, host, visible ? here : ""));
        });
        sessions.add(std::move(lab_end));
        Door door(socket, sessions);
        lab.loop().attend(door);
        lab.loop().attend(sessions);
        lab.loop().watch(supervised.end_descriptor(), [] {});
        lab.start_steps();
        lab.loop().run_until([&] { return sessions.open() == 0 || supervised.end_signal() != 0; });
        if (events) {
          lab.settle(kSettling);
          write_events(events, lab);
        }
        for (const auto& casualty : lab.casualties()) fmt::print(stderr, "crypelab: {}\n", casualty);
        if (supervised.end_signal() != 0) return 128 + supervised.end_signal();
        return 0;
      },
      {.foreground = &client});
  if (!client.status()) return status;
  if (client.status()->kind == kernel::ProgramStatus::Kind::not_started) {
    fmt::print(stderr, "crypelab: {}: {}\n", request.arguments.empty() ? "the shell" : request.arguments.front(),
               client.status()->text());
  }
  return client.status()->exit_status();
}

std::optional<int> run_attached(const std::string& scenario, const FrontRequest& request) {
  const std::string name = socket_name(scenario, 1);
  for (const auto& lab : kernel::running_labs()) {
    if (lab.lab != name || (lab.owner != geteuid() && geteuid() != 0)) continue;
    return kernel::SessionClient(kernel::attach(lab), session_request(request)).run();
  }
  return std::nullopt;
}

int run_measurement(const model::Scenario& scenario, const MeasurementRequest& request,
                    const std::function<int(const std::vector<blueprint::Row>& rows, Duration took)>& report) {
  const auto plan = blueprint::draw(scenario);
  require_programs(plan);
  const MeasurementCache cache(cache_folder(), [](const auto& text) { fmt::print(stderr, "crypelab: {}\n", text); });
  const auto key = measurement_key(plan, blueprint::declare(scenario, blueprint::Form::full), request.version);
  const bool full = request.form == blueprint::Form::full;
  const auto kept = request.cached && full ? cache.read(key) : std::nullopt;
  return kernel::supervise([&](kernel::Supervised& supervised) {
    Lab lab(plan, supervised);
    lab.loop().watch(supervised.end_descriptor(), [&] {
      throw Failure(Exit::failed,
                    fmt::format("ended by signal {} before the network was measured", supervised.end_signal()));
    });
    const auto begin = Loop::Clock::now();
    auto rows = measure(lab, scenario, kept ? blueprint::Form::quick : request.form);
    const auto took = std::chrono::duration_cast<Duration>(Loop::Clock::now() - begin);
    if (!lab.casualties().empty()) throw Failure(Exit::unavailable, lab.casualties().front());
    if (kept) {
      for (auto row : kept->rows) {
        row.note += fmt::format("{}cached, measured {}", row.note.empty() ? "" : "; ", kept->date);
        rows.push_back(std::move(row));
      }
    } else if (full && std::ranges::all_of(rows, &blueprint::Row::agrees)) {
      const auto slow = slow_rows(rows, blueprint::declare(scenario, blueprint::Form::quick));
      cache.write(key, {fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr))), slow});
    }
    return report(rows, took);
  });
}

}  // namespace crypelab::lab
