#include "harness/base/overloaded.h"
#include "harness/judge/expectations.h"
#include "harness/model/describe.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

using model::Outcome;

std::string who_is_missing(const Ground& ground) {
  std::string text;
  for (const auto& view : ground.connection.views) {
    std::string lacks;
    if (view.connected == nullptr) {
      lacks = "never said it was connected";
    } else if (!view.quotes_peer) {
      lacks = "could not say the other's word";
    } else if (view.path == nullptr) {
      lacks = "exchanged no data that the packets show";
    }
    if (!lacks.empty()) text += (text.empty() ? "" : "; ") + view.name + " " + lacks;
  }
  return text.empty() ? "not connected" : text;
}

}  // namespace

void settle(model::Verdict& verdict, Outcome outcome, std::string reason) {
  verdict.outcome = outcome;
  verdict.reason = std::move(reason);
}

bool blind(const Ground& ground, model::Verdict& verdict) {
  if (ground.scene.packets_are_all()) return false;
  const auto lost = ground.scene.attempt().packets_lost;
  settle(verdict, Outcome::inconclusive,
         lost == 0 ? "packets were not captured" : fmt::format("the capture lost {} packets", lost));
  return true;
}

bool blind_inside(const Ground& ground, model::Verdict& verdict) {
  if (blind(ground, verdict)) return true;
  if (ground.scene.packets_are_whole()) return false;
  settle(verdict, Outcome::inconclusive, "there were too many packets to keep or to read them whole");
  return true;
}

ExpectationVerdict judge_expectation(const Ground& ground, const model::Expectation& expected) {
  ExpectationVerdict verdict;
  verdict.what = model::describe(expected);
  verdict.check = verdict.what.substr(0, verdict.what.find(':'));
  verdict.line = expected.line;
  std::visit(Overloaded{
                 [&](const model::ExpectConnected& e) { judge_connected(ground, e, verdict); },
                 [&](const model::ExpectNotConnected& e) { judge_not_connected(ground, e, verdict); },
                 [&](const model::ExpectPath& e) { judge_path(ground, e, verdict); },
                 [&](const model::ExpectStaysConnected& e) { judge_stays(ground, e, verdict); },
                 [&](const model::ExpectNoBypass& e) { judge_no_bypass(ground, e, verdict); },
                 [&](const model::ExpectAttempted& e) { judge_attempted(ground, e, verdict); },
                 [&](const model::ExpectUnanswered& e) { judge_unanswered(ground, e, verdict); },
                 [&](const model::ExpectEcho& e) { judge_echo(ground, e, verdict); },
                 [&](const model::ExpectThroughput& e) { judge_throughput(ground, e, verdict); },
                 [&](const model::ExpectReports& e) { judge_reports(ground, e, verdict); },
                 [&](const model::ExpectTunnels& e) { judge_tunnels(ground, e, verdict); },
                 [&](const model::ExpectAllocations& e) { judge_allocations(ground, e, verdict); },
             },
             expected.what);
  return verdict;
}

void judge_connected(const Ground& ground, const model::ExpectConnected& expected, ExpectationVerdict& verdict) {
  const auto& connection = ground.connection;
  verdict.lacks = true;
  if (!connection.connected) return settle(verdict, Outcome::fail, who_is_missing(ground));
  if (!connection.data_seen) {
    blind_inside(ground, verdict);
    return;
  }
  const auto start = ground.scene.start();
  if (!start) return settle(verdict, Outcome::fail, "a client never said hello");
  const auto took = *connection.at - *start;
  verdict.reason = "after " + in_words(took);
  if (expected.within && took > *expected.within)
    settle(verdict, Outcome::fail,
           fmt::format("connected after {}, later than {}", in_words(took), crypelab::to_string(*expected.within)));
}

void judge_not_connected(const Ground& ground, const model::ExpectNotConnected&, ExpectationVerdict& verdict) {
  for (const auto& view : ground.connection.views) {
    if (view.quotes_peer)
      return settle(verdict, Outcome::fail, view.name + " held the other's word: they were connected");
    if (view.path != nullptr)
      return settle(verdict, Outcome::fail,
                    fmt::format("{} exchanged data by {}", view.name, model::describe(view.path->path)));
  }
  if (blind_inside(ground, verdict)) return;
  const bool said_why = std::ranges::any_of(ground.connection.views, [&](const auto& view) {
    return std::ranges::any_of(ground.scene.all(view.name, "problem"), [](const auto* problem) {
      const auto code = model::text_field(*problem, "code");
      return std::ranges::find(model::problem_codes(), code) != model::problem_codes().end();
    });
  });
  verdict.lacks = !said_why;
  if (!said_why) settle(verdict, Outcome::unclear_error, "it failed as it should, and nobody said why");
}

void judge_path(const Ground& ground, const model::ExpectPath& expected, ExpectationVerdict& verdict) {
  verdict.client = expected.client;
  verdict.lacks = true;
  const auto* view = ground.connection.view(expected.client);
  if (view == nullptr) return settle(verdict, Outcome::inconclusive, expected.client + " calls nobody");
  if (view->path == nullptr) {
    if (!blind_inside(ground, verdict)) settle(verdict, Outcome::fail, "no path carried data both ways");
    return;
  }
  const auto& path = view->path->path;
  const bool right_class = std::ranges::find(expected.classes, path.path) != expected.classes.end();
  const bool right_proxy = !expected.proxy || *expected.proxy == path.proxy;
  verdict.reason = fmt::format("{} by {}", model::describe(path), path.by);
  if (!right_class || !right_proxy) verdict.outcome = Outcome::wrong_path;
}

void judge_stays(const Ground& ground, const model::ExpectStaysConnected& expected, ExpectationVerdict& verdict) {
  verdict.lacks = true;
  if (!ground.connection.connected) return settle(verdict, Outcome::fail, "they never were connected");
  if (blind_inside(ground, verdict)) return;
  for (const auto& view : ground.connection.views) {
    const auto times = arrivals_of(view.carriers);
    if (times.empty()) return settle(verdict, Outcome::fail, "no data arrived at " + view.name);
    const auto end = times.front() + expected.time;
    Moment last = times.front();
    for (const auto at : times) {
      if (at - last > expected.gap)
        return settle(
            verdict, Outcome::fail,
            fmt::format("nothing arrived at {} for {} from {} on", view.name, in_words(at - last), in_words(last)));
      last = at;
      if (last >= end) break;
    }
    if (last + expected.gap < end)
      return settle(
          verdict, Outcome::fail,
          fmt::format("nothing arrived at {} after {}, {} too early", view.name, in_words(last), in_words(end - last)));
  }
}

}  // namespace crypelab::judge
