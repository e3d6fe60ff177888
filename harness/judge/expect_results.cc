#include "harness/evidence/allocations.h"
#include "harness/judge/ceilings.h"
#include "harness/judge/expectations.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

using model::Outcome;

// Whether an event of a proxy is about what a client asked for, after it had begun.
bool is_of_client(const Scene& scene, const model::Event& event) {
  const std::string from(model::text_field(event, "client"));
  // Squid writes IPv6 addresses without brackets.
  auto address = parse_address(from.substr(0, from.rfind(':')));
  if (const auto endpoint = parse_endpoint(from)) address = endpoint->address;
  const auto* who = address ? scene.owner(*address) : nullptr;
  return who != nullptr && who->kind == Owner::Kind::client && event.at >= scene.began(who->host);
}

// The tunnels that a proxy says it opened: when it did, or when they had ended, as the program tells it.
std::size_t told_tunnels(const Scene& scene, const std::string& proxy) {
  std::size_t opened = 0;
  std::size_t closed = 0;
  for (const auto& event : scene.attempt().events) {
    if (event.source != model::Source::proxy || event.where != proxy || !is_of_client(scene, event)) continue;
    if (event.kind == "tunnel-opened") ++opened;
    if (event.kind == "tunnel-closed") ++closed;
  }
  return std::max(opened, closed);
}

// The tunnels of one site: what its clients' packets show, and, where a proxy is reached over TLS, what it says itself.
std::size_t tunnels_of(const Scene& scene, const std::string& site_name) {
  std::size_t count = 0;
  for (const auto& flow : scene.flows()) {
    const auto& interface = scene.interface_of(flow);
    if (interface.kind != evidence::Interface::Kind::lan || interface.site != site_name || !flow.tunnel) continue;
    if (flow.began < scene.began(interface.host)) continue;
    const auto* far = scene.owner(flow.far.address);
    if (far != nullptr && far->kind == Owner::Kind::server && far->site == site_name) ++count;
  }
  const auto* site = model::find_site(scene.scenario(), site_name);
  for (const auto& proxy : site->proxies) {
    if (proxy.tls) count += told_tunnels(scene, site_name + "." + proxy.name);
  }
  return count;
}

template <class Phase>
std::vector<const Phase*> phases_of(const model::Scenario& scenario) {
  std::vector<const Phase*> phases;
  for (const auto& phase : scenario.work) {
    if (const auto* wanted = std::get_if<Phase>(&phase)) phases.push_back(wanted);
  }
  return phases;
}

// When the last of the two clients had ended.
std::optional<Moment> end_of_clients(const Scene& scene) {
  std::optional<Moment> end;
  for (const auto& event : scene.attempt().events) {
    if (event.source == model::Source::lab && event.kind == "client-ended") end = event.at;
  }
  return end;
}

}  // namespace

// Its phases are the scenario's echoes, in order (clients/CONTRACT.md): the caller alone reports them.
void judge_echo(const Ground& ground, const model::ExpectEcho& expected, ExpectationVerdict& verdict) {
  verdict.lacks = true;
  const auto phases = phases_of<model::Echo>(ground.scene.scenario());
  const auto callers = ground.scene.callers();
  if (callers.empty() || phases.empty()) return settle(verdict, Outcome::inconclusive, "nobody is to send an echo");
  const auto reports = ground.scene.all(callers.front(), "echo");
  for (std::size_t i = 0; i < std::min(phases.size(), reports.size()); ++i) {
    const auto sent = number_field(*reports[i], "sent");
    const auto received = number_field(*reports[i], "received");
    const double median = real_field(*reports[i], "rtt_ms.p50", -1);
    verdict.reason = fmt::format("{}: {} of {} came back", callers.front(), received, sent);
    if (median >= 0) verdict.reason += fmt::format(", median {:.1f} ms", median);
    if (sent != phases[i]->count || received > sent)
      return settle(verdict, Outcome::fail, fmt::format("{}; {} were to be sent", verdict.reason, phases[i]->count));
    const double lost =
        100.0 * static_cast<double>(sent - received) / static_cast<double>(std::max<std::int64_t>(sent, 1));
    const bool too_many = expected.lost ? lost > expected.lost->parts_per_million / 10'000.0 : received <= 0;
    const bool too_late = expected.rtt && (received <= 0 || median < 0 ||
                                           median > std::chrono::duration<double, std::milli>(*expected.rtt).count());
    if (too_many || too_late) verdict.outcome = Outcome::fail;
    if (verdict.outcome != Outcome::pass) return;
  }
  if (reports.size() != phases.size())
    settle(verdict, Outcome::fail,
           fmt::format("{} reported {} echoes of {}", callers.front(), reports.size(), phases.size()));
}

// Both sides are told what arrived, the caller reports each direction of each phase; the rate is what the bytes and the
// time that it names make.
void judge_throughput(const Ground& ground, const model::ExpectThroughput& expected, ExpectationVerdict& verdict) {
  verdict.lacks = true;
  std::vector<const model::Throughput*> directions;
  for (const auto* phase : phases_of<model::Throughput>(ground.scene.scenario()))
    directions.insert(directions.end(), phase->direction == model::Flow::both ? 2 : 1, phase);
  if (directions.empty()) return settle(verdict, Outcome::inconclusive, "no throughput is to be measured");
  const auto callers = ground.scene.callers();
  const auto ceilings = ceilings_of(ground.scene);
  for (const auto& view : ground.connection.views) {
    const auto reports = ground.scene.all(view.name, "throughput");
    for (std::size_t i = 0; i < reports.size(); ++i) {
      const auto bytes = number_field(*reports[i], "bytes");
      const double time = real_field(*reports[i], "seconds");
      if (bytes <= 0 || time <= 0)
        return settle(verdict, Outcome::fail, view.name + " reported a throughput without bytes or without seconds");
      const auto& phase = *directions[std::min(i, directions.size() - 1)];
      if (time * 2 < std::chrono::duration<double>(phase.time).count())
        return settle(verdict, Outcome::fail,
                      fmt::format("{} measured for {:.2f} s of {}", view.name, time, crypelab::to_string(phase.time)));
      const double rate = static_cast<double>(bytes) * 8 / time;
      verdict.reason = fmt::format("{}: {:.2f} Mbit/s", view.name, rate / 1e6);
      const auto least = static_cast<double>(expected.at_least.bits_per_second);
      if (rate >= least) continue;
      const auto* ceiling = ceiling_of(ceilings, ground.scene, view.name, model::text_field(*reports[i], "direction"));
      if (ceiling != nullptr && !ceiling->at_least && ceiling->goodput_bps < least) {
        return settle(verdict, Outcome::inconclusive,
                      fmt::format("{}, and the lab itself carried no more than {:.2f} Mbit/s on that path",
                                  verdict.reason, ceiling->goodput_bps / 1e6));
      }
      verdict.outcome = Outcome::fail;
      return;
    }
    if (view.name == callers.front() && reports.size() != directions.size())
      return settle(verdict, Outcome::fail,
                    fmt::format("{} reported {} throughputs of {}", view.name, reports.size(), directions.size()));
  }
}

void judge_reports(const Ground& ground, const model::ExpectReports& expected, ExpectationVerdict& verdict) {
  verdict.lacks = true;
  verdict.client = expected.client;
  // clients/CONTRACT.md: from the later hello; where the other never said one, from its own.
  const auto start = ground.scene.start() ? ground.scene.start() : ground.scene.hello(expected.client);
  std::vector<std::string> others;
  for (const auto* problem : ground.scene.all(expected.client, "problem")) {
    const std::string code(model::text_field(*problem, "code"));
    if (std::ranges::find(expected.codes, code) == expected.codes.end()) {
      if (std::ranges::find(others, code) == others.end()) others.push_back(code);
      continue;
    }
    const auto after = std::max(Moment{0}, problem->at - start.value_or(Moment{0}));
    if (expected.within && after > *expected.within) {
      settle(verdict, Outcome::fail, fmt::format("{} came after {}", code, in_words(after)));
      continue;
    }
    return settle(verdict, Outcome::pass, fmt::format("{} after {}", code, in_words(after)));
  }
  if (verdict.outcome != Outcome::pass) return;
  std::string said;
  for (const auto& code : others) said += (said.empty() ? "" : ", ") + code;
  settle(verdict, Outcome::unclear_error,
         said.empty() ? expected.client + " reported nothing" : expected.client + " reported " + said + " instead");
}

void judge_tunnels(const Ground& ground, const model::ExpectTunnels& expected, ExpectationVerdict& verdict) {
  if (blind_inside(ground, verdict)) return;
  const auto count = tunnels_of(ground.scene, expected.site);
  verdict.reason = fmt::format("{} tunnels", count);
  const bool few = expected.at_least && count < *expected.at_least;
  const bool many = expected.at_most && count > *expected.at_most;
  verdict.lacks = few;
  if (few || many) verdict.outcome = Outcome::fail;
}

void judge_allocations(const Ground& ground, const model::ExpectAllocations& expected, ExpectationVerdict& verdict) {
  const auto end = end_of_clients(ground.scene);
  if (!end) return settle(verdict, Outcome::inconclusive, "the clients' end was not seen");
  const Moment limit = *end + expected.within;
  std::size_t left = 0;
  std::size_t late = 0;  // nobody looked long enough
  const Moment looked = ground.scene.attempt().events.empty() ? Moment{0} : ground.scene.attempt().events.back().at;
  for (const auto& session : ground.scene.allocations()) {
    if (session.ended && *session.ended <= limit) continue;
    ++left;
    if (!session.ended && looked < limit) ++late;
    verdict.details.push_back(fmt::format("{} of {} on {}", session.number, session.client, session.server));
  }
  verdict.reason = fmt::format("{} left {} after the end", left, in_words(expected.within));
  if (left <= expected.left) return;
  if (left - late <= expected.left)
    return settle(verdict, Outcome::inconclusive, "the lab ended too early to see allocations go");
  verdict.outcome = Outcome::fail;
}

}  // namespace crypelab::judge
