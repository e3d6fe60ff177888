#include "harness/judge/results.h"

#include "harness/judge/cause.h"

#include <algorithm>

namespace crypelab::judge {
namespace {

constexpr std::size_t kMostSeconds = 3600;

std::string app_word(model::App app) {
  switch (app) {
    case model::App::browser:
      return "browser";
    case model::App::desktop:
      return "desktop";
    case model::App::desktop_unconfigured:
      return "desktop-unconfigured";
    case model::App::desktop_split:
      return "desktop-split";
    case model::App::mobile_system:
      return "mobile-system";
    case model::App::mobile_native:
      return "mobile-native";
    case model::App::mobile_custom:
      return "mobile-custom";
  }
  return "";
}

// The parts of the time to connect: as far as packets show, and the client's words where they do not.
std::vector<model::Span> spans_of(const Scene& scene, const ClientView& view) {
  const auto hello = scene.hello(view.name);
  if (!hello || view.connected == nullptr) return {};
  const Moment end = view.connected->at;
  std::optional<Moment> signaling;
  for (const auto* event : scene.all(view.name, "signaling")) {
    if (!signaling && model::text_field(*event, "state") == "open") signaling = event->at;
  }
  std::optional<Moment> checks;
  std::optional<Moment> nominated;
  for (const auto* flow : scene.flows_of(view.name)) {
    for (const auto& note : flow->stun) {
      if (!note.check()) continue;
      if (!checks || note.at < *checks) checks = note.at;
      if (note.use_candidate && (!nominated || note.at < *nominated)) nominated = note.at;
    }
  }
  std::vector<model::Span> spans;
  Moment from = *hello;
  const auto until = [&](const char* name, std::optional<Moment> to) {
    if (!to || *to < from || *to > end) return;
    spans.push_back({name, from, *to});
    from = *to;
  };
  until("signaling", signaling);
  until("gathering", checks);
  until("checks", nominated);
  until("encryption", end);
  return spans;
}

model::EchoResult echo_of(const model::Event& event) {
  return {number_field(event, "sent"),     number_field(event, "received"), real_field(event, "rtt_ms.min"),
          real_field(event, "rtt_ms.p50"), real_field(event, "rtt_ms.p95"), real_field(event, "rtt_ms.p99"),
          real_field(event, "rtt_ms.max")};
}

std::vector<std::pair<Moment, std::uint64_t>> rate_of(const ClientView& view) {
  std::vector<std::pair<Moment, std::uint64_t>> rate;
  for (const auto& carrier : view.carriers) {
    for (const auto& note : carrier.flow->data) {
      if (note.outgoing || note.at < carrier.first || note.at > carrier.last) continue;
      const auto second = std::chrono::floor<std::chrono::seconds>(note.at);
      const auto place = std::ranges::lower_bound(rate, Moment(second), {}, &std::pair<Moment, std::uint64_t>::first);
      if (place != rate.end() && place->first == second) {
        place->second += note.size;
      } else if (rate.size() < kMostSeconds) {
        rate.insert(place, {second, note.size});
      }
    }
  }
  return rate;
}

}  // namespace

std::vector<model::ClientResult> results_of(const Scene& scene, const Connection& connection) {
  std::vector<model::ClientResult> results;
  for (const auto& view : connection.views) {
    model::ClientResult result{.name = view.name};
    result.site = view.site;
    if (const auto* client = model::find_client(scene.scenario(), view.name)) result.app = app_word(client->job.app);
    if (const auto* party = scene.attempt().party(view.name)) {
      result.driver = party->driver;
      result.version = party->name + (party->version.empty() ? "" : " " + party->version);
    }
    result.hello = scene.hello(view.name);
    if (view.quotes_peer) result.connected = view.connected->at;
    if (view.path != nullptr) result.path = view.path->path;
    result.rungs = rungs_of(scene, view);
    result.spans = spans_of(scene, view);
    for (const auto* problem : scene.all(view.name, "problem")) {
      std::string code(model::text_field(*problem, "code"));
      if (std::ranges::find(result.problems, code) == result.problems.end()) result.problems.push_back(std::move(code));
    }
    if (const auto* echo = scene.first(view.name, "echo")) result.echo = echo_of(*echo);
    for (const auto* phase : scene.all(view.name, "throughput"))
      result.throughput.push_back({std::string(model::text_field(*phase, "direction")),
                                   real_field(*phase, "goodput_bps"), real_field(*phase, "seconds"),
                                   number_field(*phase, "bytes")});
    result.rate = rate_of(view);
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace crypelab::judge
