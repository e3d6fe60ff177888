#include "harness/model/describe.h"
#include "harness/report/record.h"
#include "harness/report/run.h"

namespace crypelab::report {
namespace {

namespace json = boost::json;

double seconds(model::Moment moment) {
  // Microseconds are enough, and print the same everywhere.
  return static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(moment).count()) / 1e6;
}

json::value moment_or_null(const std::optional<model::Moment>& moment) {
  return moment ? json::value(seconds(*moment)) : json::value(nullptr);
}

json::object verdict_of(const model::Verdict& verdict) {
  json::object out{{"check", text(verdict.check)},
                   {"what", text(verdict.what)},
                   {"outcome", model::to_string(verdict.outcome)},
                   {"reason", text(verdict.reason)}};
  if (!verdict.client.empty()) out["client"] = text(verdict.client);
  if (verdict.line != 0) out["line"] = verdict.line;
  if (!verdict.details.empty()) {
    json::array details;
    for (const auto& detail : verdict.details) details.emplace_back(text(detail));
    out["details"] = std::move(details);
  }
  return out;
}

const char* state_of(model::Rung::State state) {
  switch (state) {
    case model::Rung::State::carried:
      return "carried";
    case model::Rung::State::open:
      return "open";
    case model::Rung::State::failed:
      return "failed";
    case model::Rung::State::not_tried:
      return "not-tried";
  }
  return "";
}

json::array rungs_of(const model::ClientResult& client) {
  json::array rungs;
  for (const auto& rung : client.rungs)
    rungs.emplace_back(json::object{{"name", text(rung.name)},
                                    {"target", text(rung.target)},
                                    {"state", state_of(rung.state)},
                                    {"cause", text(rung.cause)},
                                    {"began", moment_or_null(rung.began)},
                                    {"ended", moment_or_null(rung.ended)}});
  return rungs;
}

json::object client_of(const model::ClientResult& client) {
  json::object out{{"name", text(client.name)},
                   {"driver", text(client.driver)},
                   {"version", text(client.version)},
                   {"site", text(client.site)},
                   {"app", text(client.app)},
                   {"hello", moment_or_null(client.hello)},
                   {"connected", moment_or_null(client.connected)},
                   {"path", nullptr},
                   {"rungs", rungs_of(client)}};
  if (client.path)
    out["path"] = json::object{
        {"class", model::describe(client.path->path)}, {"proxy", client.path->proxy}, {"by", text(client.path->by)}};
  json::array spans;
  for (const auto& span : client.spans)
    spans.emplace_back(json::object{{"name", text(span.name)}, {"from", seconds(span.from)}, {"to", seconds(span.to)}});
  out["spans"] = std::move(spans);
  json::array problems;
  for (const auto& problem : client.problems) problems.emplace_back(text(problem));
  out["problems"] = std::move(problems);
  if (client.echo)
    out["echo"] =
        json::object{{"sent", client.echo->sent},  {"received", client.echo->received}, {"min", client.echo->least},
                     {"p50", client.echo->median}, {"p95", client.echo->p95},           {"p99", client.echo->p99},
                     {"max", client.echo->most}};
  json::array throughput;
  for (const auto& phase : client.throughput)
    throughput.emplace_back(json::object{{"direction", text(phase.direction)},
                                         {"goodput_bps", phase.goodput_bps},
                                         {"seconds", phase.seconds},
                                         {"bytes", phase.bytes}});
  out["throughput"] = std::move(throughput);
  json::array rate;
  for (const auto& [at, bytes] : client.rate) rate.emplace_back(json::array{seconds(at), bytes});
  out["rate"] = std::move(rate);
  return out;
}

json::array ceilings_of(const model::Judgement& judgement) {
  json::array ceilings;
  for (const auto& ceiling : judgement.ceilings) {
    json::array legs;
    for (const auto& leg : ceiling.legs)
      legs.emplace_back(json::object{{"client", text(leg.client)},
                                     {"from", text(leg.from)},
                                     {"way", text(leg.way)},
                                     {"transport", text(leg.transport)},
                                     {"goodput_bps", leg.goodput_bps}});
    ceilings.emplace_back(json::object{{"direction", text(ceiling.direction)},
                                       {"goodput_bps", ceiling.goodput_bps},
                                       {"at_least", ceiling.at_least},
                                       {"legs", std::move(legs)}});
  }
  return ceilings;
}

json::array lines_of(const std::vector<model::StoryLine>& lines) {
  json::array out;
  for (const auto& line : lines) out.emplace_back(json::array{seconds(line.at), text(line.who), text(line.text)});
  return out;
}

}  // namespace

json::object record_of(const model::Judgement& judgement) {
  json::array verdicts;
  for (const auto& verdict : judgement.verdicts) verdicts.emplace_back(verdict_of(verdict));
  json::array clients;
  for (const auto& client : judgement.clients) clients.emplace_back(client_of(client));
  return {{"scenario", text(judgement.scenario)},
          {"title", text(judgement.title)},
          {"proves", text(judgement.proves)},
          {"attempt", judgement.attempt},
          {"seed", judgement.seed},
          {"started", text(judgement.started)},
          {"outcome", model::to_string(judgement.outcome)},
          {"why", text(judgement.why)},
          {"time_to_connect", moment_or_null(judgement.time_to_connect)},
          {"folder", text(judgement.folder)},
          {"verdicts", std::move(verdicts)},
          {"clients", std::move(clients)},
          {"ceilings", ceilings_of(judgement)},
          {"no_ceiling", text(judgement.no_ceiling)},
          {"story", lines_of(judgement.story)}};
}

json::array timeline_of(const model::Judgement& judgement) { return lines_of(judgement.timeline); }

std::string to_json(const Run& run) {
  json::array judgements;
  for (const auto& judgement : run.judgements) judgements.emplace_back(record_of(judgement));
  json::array not_covered;
  for (const auto& one : run.not_covered)
    not_covered.emplace_back(json::object{{"scenario", text(one.scenario)}, {"why", text(one.why)}});
  json::object outcomes;
  json::array flaky;
  for (const auto& cell : cells_of(run)) {
    auto& count = outcomes[model::to_string(cell.outcome)];
    count = (count.is_null() ? 0 : count.as_int64()) + 1;
    if (cell.flaky)
      flaky.emplace_back(json::object{{"scenario", text(cell.scenario)}, {"clients", text(cell.clients)}});
  }
  const json::object record{{"format", 1},
                            {"program", text(run.program)},
                            {"started", text(run.started)},
                            {"seed", run.seed},
                            {"seconds", run.seconds},
                            {"complete", run.complete},
                            {"outcomes", std::move(outcomes)},
                            {"flaky", std::move(flaky)},
                            {"not_covered", std::move(not_covered)},
                            {"attempts", std::move(judgements)}};
  return json::serialize(record) + "\n";
}

}  // namespace crypelab::report
