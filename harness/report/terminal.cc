#include "harness/model/describe.h"
#include "harness/report/record.h"
#include "harness/report/run.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace crypelab::report {
namespace {

using model::Outcome;

const char* colour_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::pass:
      return "\x1b[32m";
    case Outcome::non_strict:
    case Outcome::unsupported:
    case Outcome::inconclusive:
      return "\x1b[33m";
    case Outcome::unclear_error:
    case Outcome::wrong_path:
    case Outcome::fail:
      return "\x1b[31m";
  }
  return "";
}

// How many columns, counting a character for one.
std::size_t width_of(std::string_view from) {
  return static_cast<std::size_t>(
      std::ranges::count_if(from, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

std::string padded(std::string from, std::size_t width) {
  const auto has = width_of(from);
  if (has < width) from.append(width - has, ' ');
  return from;
}

// At most `width` columns, the last one an ellipsis when something is left out.
std::string cut(const std::string& from, std::size_t width) {
  if (width_of(from) <= width) return from;
  std::string out;
  std::size_t columns = 0;
  for (const char c : from) {
    const bool begins = (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
    if (begins && columns + 1 >= width) break;
    columns += begins ? 1 : 0;
    out += c;
  }
  return out + "…";
}

std::string paths_of(const model::Judgement& judgement) {
  std::string out;
  for (const auto& client : judgement.clients)
    out += (out.empty() ? "" : " / ") + (client.path ? model::describe(*client.path) : std::string("-"));
  return out.empty() ? "-" : out;
}

std::string rates_of(const model::Judgement& judgement) {
  std::string out;
  for (const auto& client : judgement.clients) {
    for (const auto& phase : client.throughput)
      out += fmt::format("  {} {}: {:.2f} Mbit/s in {:.2f} s, as it said\n", text(client.name), text(phase.direction),
                         phase.goodput_bps / 1e6, phase.seconds);
  }
  for (const auto& ceiling : judgement.ceilings) {
    out += fmt::format("  the lab itself, {}: {}{:.2f} Mbit/s, the smaller of", text(ceiling.direction),
                       ceiling.at_least ? "at least " : "", ceiling.goodput_bps / 1e6);
    for (const auto& leg : ceiling.legs)
      out += fmt::format(" {}{} {} {} {:.2f}", &leg == ceiling.legs.data() ? "" : "and ", text(leg.from), text(leg.way),
                         text(leg.transport), leg.goodput_bps / 1e6);
    out += "\n";
  }
  if (!judgement.no_ceiling.empty()) out += "  no ceiling of the lab itself: " + text(judgement.no_ceiling) + "\n";
  return out.empty() ? out : "\nThroughput\n" + out;
}

std::string time_of(const std::optional<model::Moment>& time) {
  return time ? fmt::format("{:.2f} s", std::chrono::duration<double>(*time).count()) : "-";
}

}  // namespace

std::string to_table(const Run& run, bool colour, unsigned width) {
  const auto cells = cells_of(run);
  std::size_t name = 8;
  std::size_t path = 4;
  for (const auto& cell : cells) {
    name = std::max(name, width_of(text(cell.scenario)));
    path = std::max(path, paths_of(*cell.attempts.back()).size());
  }
  name = std::min<std::size_t>(name, 44);
  path = std::min<std::size_t>(path, 30);
  constexpr std::size_t kOutcome = 13;
  constexpr std::size_t kTime = 8;
  const std::size_t fixed = name + path + kOutcome + kTime + 4;
  const std::size_t rest = std::max<std::size_t>(width > fixed ? width - fixed : 0, 20);
  std::string out = fmt::format("{} {} {} {} {}\n", padded("scenario", name), padded("outcome", kOutcome),
                                padded("path", path), padded("connect", kTime), "why");
  std::map<Outcome, unsigned> counts;
  std::map<std::string, unsigned> paths;
  unsigned flaky = 0;
  unsigned connected = 0;
  unsigned streams = 0;
  for (const auto& cell : cells) {
    const auto& last = *cell.attempts.back();
    counts[cell.outcome] += 1;
    flaky += cell.flaky ? 1 : 0;
    const auto word = cell.flaky ? std::string("flaky") : std::string(model::to_string(cell.outcome));
    const auto shown = padded(word, kOutcome);
    std::string why = text(last.why);
    if (cell.attempts.size() > 1)
      why = fmt::format("{} attempts{}{}", cell.attempts.size(), why.empty() ? "" : ": ", why);
    out += fmt::format("{} {} {} {} {}\n", padded(cut(text(cell.scenario), name), name),
                       colour ? colour_of(cell.flaky ? Outcome::fail : cell.outcome) + shown + "\x1b[0m" : shown,
                       padded(cut(paths_of(last), path), path), padded(time_of(last.time_to_connect), kTime),
                       cut(why, rest));
    const model::Path* first = nullptr;
    bool stream = false;
    for (const auto& client : last.clients) {
      if (!client.path) continue;
      if (first == nullptr) first = &*client.path;
      stream = stream || client.path->path >= model::PathClass::relay_tcp;
    }
    if (first == nullptr) continue;
    connected += 1;
    streams += stream ? 1 : 0;
    paths[model::describe(*first)] += 1;
  }
  for (const auto& one : run.not_covered)
    out += fmt::format("{} {} {} {} {}\n", padded(cut(text(one.scenario), name), name), padded("not-covered", kOutcome),
                       padded("-", path), padded("-", kTime), cut(text(one.why), rest));
  out += '\n';
  std::string summary;
  for (const auto& [outcome, count] : counts)
    summary += fmt::format("{}{} {}", summary.empty() ? "" : ", ", count, model::to_string(outcome));
  if (flaky != 0) summary += fmt::format(", {} flaky", flaky);
  if (!run.not_covered.empty()) summary += fmt::format(", {} not covered", run.not_covered.size());
  if (!run.complete) summary += " (interrupted)";
  out += (summary.empty() ? "nothing was run" : summary) + "\n";
  if (connected != 0) {
    std::string by;
    for (const auto& [what, count] : paths) by += fmt::format("{}{} {}", by.empty() ? "" : ", ", count, what);
    out += fmt::format("{} connected: {}; {} of them by TURN over TCP or TLS\n", connected, by, streams);
  }
  return out;
}

std::string to_story(const model::Judgement& judgement) {
  std::string out =
      fmt::format("{}: {}\n{}\n", text(judgement.scenario), model::to_string(judgement.outcome), text(judgement.title));
  if (!judgement.why.empty()) out += "\nWhy: " + text(judgement.why) + "\n";
  out += "\n";
  for (const auto& line : judgement.story)
    out += fmt::format("{:>9.3f} s  {:<10} {}\n", std::chrono::duration<double>(line.at).count(), text(line.who),
                       text(line.text));
  for (const auto& client : judgement.clients) {
    out += fmt::format("\n{} ({}{})\n", text(client.name), text(client.driver),
                       client.version.empty() ? "" : ", " + text(client.version));
    for (const auto& rung : client.rungs) {
      const char* state = rung.state == model::Rung::State::carried  ? "carried the data"
                          : rung.state == model::Rung::State::open   ? "open"
                          : rung.state == model::Rung::State::failed ? "failed"
                                                                     : "not tried";
      out += fmt::format("  {:<14} {:<16} {}{}{}\n", text(rung.name), state, text(rung.target),
                         rung.cause.empty() ? "" : ": ", text(rung.cause));
    }
  }
  out += rates_of(judgement) + "\n";
  for (const auto& verdict : judgement.verdicts) {
    out += fmt::format("  {:<13} {}{}{}\n", model::to_string(verdict.outcome), text(verdict.what),
                       verdict.reason.empty() ? "" : ": ", text(verdict.reason));
    for (const auto& detail : verdict.details) out += "                  " + text(detail) + "\n";
  }
  return out;
}

}  // namespace crypelab::report
