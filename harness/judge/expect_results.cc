#include "harness/evidence/allocations.h"
#include "harness/judge/expectations.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

using model::Outcome;

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
    if (!proxy.tls) continue;
    for (const auto& event : scene.attempt().events) {
      if (event.source != model::Source::proxy || event.where != site_name + "." + proxy.name) continue;
      if (event.kind == "tunnel-opened" || event.kind == "admitted") ++count;
    }
  }
  return count;
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

void judge_echo(const Ground& ground, const model::ExpectEcho& expected, ExpectationVerdict& verdict) {
  verdict.lacks = true;
  bool any = false;
  for (const auto& view : ground.connection.views) {
    for (const auto* echo : ground.scene.all(view.name, "echo")) {
      const auto sent = number_field(*echo, "sent");
      const auto received = number_field(*echo, "received");
      if (sent <= 0) continue;
      any = true;
      const double lost =
          100.0 * static_cast<double>(std::max<std::int64_t>(0, sent - received)) / static_cast<double>(sent);
      const double median = real_field(*echo, "rtt_ms.p50");
      verdict.reason = fmt::format("{}: {} of {} came back, median {:.1f} ms", view.name, received, sent, median);
      if (expected.lost && lost > expected.lost->parts_per_million / 10'000.0) verdict.outcome = Outcome::fail;
      if (expected.rtt && median > std::chrono::duration<double, std::milli>(*expected.rtt).count())
        verdict.outcome = Outcome::fail;
      if (verdict.outcome != Outcome::pass) return;
    }
  }
  if (!any) settle(verdict, Outcome::fail, "nobody reported an echo");
}

void judge_throughput(const Ground& ground, const model::ExpectThroughput& expected, ExpectationVerdict& verdict) {
  verdict.lacks = true;
  bool any = false;
  for (const auto& view : ground.connection.views) {
    for (const auto* phase : ground.scene.all(view.name, "throughput")) {
      any = true;
      const double rate = real_field(*phase, "goodput_bps");
      verdict.reason = fmt::format("{}: {:.2f} Mbit/s", view.name, rate / 1e6);
      if (rate < static_cast<double>(expected.at_least.bits_per_second)) {
        verdict.outcome = Outcome::fail;
        return;
      }
    }
  }
  if (!any) settle(verdict, Outcome::fail, "nobody reported a throughput");
}

void judge_reports(const Ground& ground, const model::ExpectReports& expected, ExpectationVerdict& verdict) {
  verdict.lacks = true;
  verdict.client = expected.client;
  const auto hello = ground.scene.hello(expected.client);
  std::vector<std::string> others;
  for (const auto* problem : ground.scene.all(expected.client, "problem")) {
    const std::string code(model::text_field(*problem, "code"));
    if (std::ranges::find(expected.codes, code) == expected.codes.end()) {
      if (std::ranges::find(others, code) == others.end()) others.push_back(code);
      continue;
    }
    const auto after = problem->at - hello.value_or(Moment{0});
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
  for (const auto& session : evidence::allocations_of(ground.scene.attempt().events)) {
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
