#include "harness/judge/findings.h"

#include "harness/model/describe.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

using model::Outcome;
using model::Verdict;

constexpr std::array<std::string_view, 11> kFindings{
    "claims-connected", "claims-path", "claims-throughput", "contract", "client-started", "client-ended",
    "client-crashed",   "supported",   "secrets",           "services", "network"};

Verdict finding(std::string check, std::string what, std::string client, Outcome outcome, std::string reason) {
  Verdict verdict;
  verdict.check = std::move(check);
  verdict.what = std::move(what);
  verdict.client = std::move(client);
  verdict.outcome = outcome;
  verdict.reason = std::move(reason);
  return verdict;
}

// Names as in the W3C RTCIceCandidateStats dictionary, or as the contract's candidate events have them.
std::string_view member(const model::Event& event, std::string_view long_name, std::string_view short_name) {
  const auto text = model::text_field(event, long_name);
  return text.empty() ? model::text_field(event, short_name) : text;
}

std::string said_path(const model::Event& selected) {
  const auto type = member(selected, "local.candidateType", "local.type");
  if (type != "relay") return std::string(type);
  const auto transport = member(selected, "local.relayProtocol", "local.relay_protocol");
  return transport.empty() ? "relay" : "relay-" + std::string(transport);
}

bool agrees(const std::string& said, const model::Path& path) {
  const auto seen = model::describe(path.path);
  if (path.peers) return !said.starts_with("relay");  // its own side is none
  if (said == "relay") return seen.starts_with("relay");
  if (said.starts_with("relay")) return said == seen;
  // Which of host, srflx and prflx it calls its side is a matter of what it knew when: a relay is not.
  return !seen.starts_with("relay");
}

constexpr Moment kTail = std::chrono::milliseconds(500);  // that packets may be apart more than what they carry is

// What most of its data went over from `begin` until `end`, if any went both ways.
const Carrier* busiest(const ClientView& view, Moment begin, Moment end) {
  const Carrier* best = nullptr;
  std::uint64_t most = 0;
  for (const auto& carrier : view.carriers) {
    std::uint64_t passed[2]{};
    for (const auto& note : carrier.flow->data) {
      if (note.at >= std::max(begin, carrier.first) && note.at < end && note.at <= carrier.last)
        passed[note.outgoing ? 1 : 0] += note.size;
    }
    if (std::min(passed[0], passed[1]) == 0 || passed[0] + passed[1] <= most) continue;
    best = &carrier;
    most = passed[0] + passed[1];
  }
  return best;
}

// The most bytes of data that passed one way in any `time` until `end`.
std::uint64_t most_within(const ClientView& view, Moment time, Moment end) {
  std::uint64_t most = 0;
  for (const bool outgoing : {false, true}) {
    std::vector<std::pair<Moment, std::uint64_t>> passed;
    for (const auto& carrier : view.carriers) {
      for (const auto& note : carrier.flow->data) {
        if (note.outgoing == outgoing && note.at >= carrier.first && note.at <= carrier.last && note.at <= end)
          passed.emplace_back(note.at, note.size);
      }
    }
    std::ranges::sort(passed);
    std::uint64_t sum = 0;
    auto first = passed.begin();
    for (const auto& [at, size] : passed) {
      sum += size;
      for (; at - first->first > time; ++first) sum -= first->second;
      most = std::max(most, sum);
    }
  }
  return most;
}

void claims_of(const Scene& scene, const ClientView& view, std::vector<Verdict>& found) {
  if (view.untrue != nullptr) {
    found.push_back(finding(
        "claims-connected", "who says it is connected quotes the other's word", view.name, Outcome::fail,
        fmt::format("{} said it was connected and quoted '{}', which is not the other's word{}", view.name,
                    std::string(model::text_field(*view.untrue, "peer_proof")).substr(0, 40),
                    view.quotes_peer ? "; that it held, too, at " + in_words(view.connected->at) : std::string())));
  } else if (view.connected != nullptr && view.path == nullptr && scene.packets_are_whole()) {
    found.push_back(finding("claims-connected", "who says it is connected exchanges data", view.name, Outcome::fail,
                            view.name + " said it was connected, and its packets show no data of both directions"));
  }
  const auto selected = scene.all(view.name, "selected");
  for (std::size_t i = 0; i < selected.size(); ++i) {
    const auto said = said_path(*selected[i]);
    // What was under way over the path before it still arrives.
    const Moment begin = selected[i]->at + (i == 0 ? Moment(0) : kTail);
    const auto* taken = busiest(view, begin, i + 1 < selected.size() ? selected[i + 1]->at : Moment::max());
    if (said.empty() || taken == nullptr || agrees(said, taken->path)) continue;
    found.push_back(
        finding("claims-path", "the path that it says is the one that its data took", view.name, Outcome::fail,
                fmt::format("{} said {}, its data took {}", view.name, said, model::describe(taken->path))));
    break;
  }
  // What arrived cannot be more than what was seen to pass in so long a time: DTLS only adds to it.
  for (const auto* phase : scene.all(view.name, "throughput")) {
    if (!scene.packets_are_whole() || view.path == nullptr) continue;
    const auto claimed = number_field(*phase, "bytes");
    const Moment time = std::chrono::duration_cast<Moment>(
        std::chrono::duration<double>(std::clamp(real_field(*phase, "seconds"), 0.0, 1e6)));
    const auto most = most_within(view, time + kTail, phase->at);
    if (claimed > 0 && static_cast<std::uint64_t>(claimed) > most)
      found.push_back(finding("claims-throughput", "no more data is claimed than passed", view.name, Outcome::fail,
                              fmt::format("{} said {} bytes in {}, at most {} passed in so long", view.name, claimed,
                                          in_words(time), most)));
  }
}

}  // namespace

std::span<const std::string_view> findings() { return kFindings; }

std::vector<Verdict> find_contradictions(const Scene& scene, const Connection& connection) {
  std::vector<Verdict> found;
  for (const auto& view : connection.views) claims_of(scene, view, found);
  return found;
}

std::vector<Verdict> find_contract_breaches(const Scene& scene) {
  std::vector<Verdict> found;
  std::set<std::pair<std::string, std::string>> told;
  for (const auto& event : scene.attempt().events) {
    if (event.source != model::Source::lab) continue;
    std::string reason;
    std::string what;
    std::string check = "contract";
    Outcome outcome = Outcome::fail;
    if (event.kind == "client-garbage") {
      what = "every line is a JSON object with an event";
      reason = fmt::format("{} wrote a line that is none: {}", event.where, model::text_field(event, "why"));
    } else if (event.kind == "client-long-line") {
      what = "no line is longer than 64 KiB";
      reason = fmt::format("{} wrote a line of {} bytes", event.where, number_field(event, "bytes"));
    } else if (event.kind == "client-flood") {
      what = "at most 1,000 lines come in a second";
      reason = fmt::format("{} wrote {} lines more than that", event.where, number_field(event, "lines"));
    } else if (event.kind == "probe") {
      if (number_field(event, "exit", -1) == 127) continue;
      what = "a job of an unknown task ends with exit status 127";
      reason = fmt::format("{} ended with {}", event.where, number_field(event, "exit", -1));
    } else if (event.kind == "client-ended") {
      const auto* timed_out = model::find_field(event, "timed-out");
      const auto* yes = timed_out != nullptr ? std::get_if<bool>(timed_out) : nullptr;
      const auto exit = number_field(event, "exit", -1);
      const auto signal = number_field(event, "signal");
      const auto ended_by_lab = model::text_field(event, "ended-by-lab");
      // Its end says nothing: there was nobody left to talk to.
      if (ended_by_lab == "peer-gone" || ended_by_lab == "interrupted") continue;
      if (const auto why = model::text_field(event, "not-started"); !why.empty()) {
        check = "client-started";
        what = "the driver can be started";
        reason = fmt::format("{} did not start: {}", event.where, why);
      } else if (yes != nullptr && *yes) {
        check = "client-ended";
        what = "a client ends by its deadline";
        reason = event.where + " had to be ended";
      } else if (signal != 0) {
        check = "client-crashed";
        what = "a client does not crash";
        reason = fmt::format("{} was ended by signal {}", event.where, signal);
      } else if (exit == 127) {
        check = "supported";
        what = "the client does what the job asks";
        outcome = Outcome::unsupported;
        reason = event.where + " says that it does not support this (exit status 127)";
      } else if (exit != 0 && exit != 1) {
        check = "client-crashed";
        what = "a client ends with 0 or 1";
        reason = fmt::format("{} ended with exit status {}", event.where, exit);
      }
    }
    if (reason.empty() || !told.emplace(event.where, what).second) continue;
    found.push_back(finding(check, what, event.where, outcome, reason));
  }
  return found;
}

std::vector<Verdict> find_secrets(const Scene& scene) {
  std::vector<Verdict> found;
  std::set<std::string> told;
  const auto add = [&](const std::string& client, std::string reason) {
    if (told.insert(reason).second)
      found.push_back(
          finding("secrets", "no credential is where it does not belong", client, Outcome::fail, std::move(reason)));
  };
  for (const auto& event : scene.attempt().events) {
    if (event.source == model::Source::client) {
      for (const auto& [name, value] : event.fields) {
        const auto* text = std::get_if<std::string>(&value);
        if (text == nullptr) continue;
        if (const auto at = text->find("[secret:"); at != std::string::npos)
          add(event.where, fmt::format("{} told {} in '{}' of {}", event.where,
                                       text->substr(at, text->find(']', at) - at + 1), name, event.kind));
      }
    } else if (event.source == model::Source::lab && event.kind == "secret-seen") {
      const auto secret = model::text_field(event, "secret");
      const auto to = parse_endpoint(model::text_field(event, "to"));
      const auto* far = to ? scene.owner(to->address) : nullptr;
      // A proxy's password belongs to the proxy: Basic sends it as it is (RFC 7617 section 4).
      if (far != nullptr && far->kind == Owner::Kind::server && secret.starts_with(far->host)) continue;
      add("", fmt::format("{} passed in clear text from {} to {}", secret, model::text_field(event, "from"),
                          model::text_field(event, "to")));
    }
  }
  return found;
}

std::vector<Verdict> find_lab_faults(const Scene& scene) {
  std::vector<Verdict> found;
  for (const auto& how : scene.attempt().casualties)
    found.push_back(finding("services", "every service of the lab lives to the end", "", Outcome::inconclusive, how));
  for (const auto& event : scene.attempt().events) {
    if (event.source != model::Source::measurement || event.kind != "row") continue;
    const auto* agrees_field = model::find_field(event, "agrees");
    const auto* yes = agrees_field != nullptr ? std::get_if<bool>(agrees_field) : nullptr;
    if (yes == nullptr || *yes) continue;
    found.push_back(
        finding("network", "the network measures as it is declared", "", Outcome::inconclusive,
                fmt::format("{}: {}: declared {}, measured {}", event.where, model::text_field(event, "what"),
                            model::text_field(event, "declared"), model::text_field(event, "measured"))));
  }
  if (!scene.attempt().complete)
    found.push_back(
        finding("services", "the attempt runs to its end", "", Outcome::inconclusive, "it was interrupted"));
  return found;
}

}  // namespace crypelab::judge
