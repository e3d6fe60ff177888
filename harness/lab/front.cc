#include "harness/lab/front.h"

#include "harness/base/descriptor.h"
#include "harness/base/error.h"
#include "harness/evidence/event_line.h"
#include "harness/kernel/attach_socket.h"
#include "harness/kernel/session_client.h"
#include "harness/lab/door.h"
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

kernel::SessionRequest session_request(const FrontRequest& request) {
  return {.host = request.host, .privileged = request.privileged, .arguments = request.arguments};
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
  Door door(plan.scenario);
  const auto events = open_events(request.events);
  auto [front, back] = kernel::PacketSocket::pair();
  kernel::SessionClient client(std::move(front), session_request(request));
  const int status = kernel::supervise(
      [&, &lab_end = back](kernel::Supervised& supervised) {
        Lab lab(plan, supervised, visible ? std::vector<std::string>{here} : std::vector<std::string>{});
        kernel::SessionServer sessions(seats_of(lab, visible ? here : ""));
        sessions.add(std::move(lab_end));
        door.lead_to(sessions);
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
  const std::string name = door_name(scenario);
  auto labs = kernel::running_labs();
  std::erase_if(labs, [&](const auto& lab) { return lab.lab != name || (lab.owner != geteuid() && geteuid() != 0); });
  std::stable_partition(labs.begin(), labs.end(), [](const auto& lab) { return lab.owner == geteuid(); });
  for (const auto& lab : labs) {
    // One that is just ending is no lab to join: its socket is gone, or accepts and says nothing.
    try {
      kernel::SessionClient client(kernel::attach(lab), session_request(request));
      const int status = client.run();
      if (client.answered()) return status;
    } catch (const Failure& gone) {
      if (gone.exit() != Exit::unavailable) throw;
    }
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
