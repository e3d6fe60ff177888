#include "harness/services/turn_drops.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

namespace crypelab::services {
namespace {

struct Counts {
  const model::Event* last = nullptr;  // of its counts
  bool closed = false;                 // what is counted before is told in the middle of a packet
  std::int64_t requests = 0;           // each was answered
  std::int64_t from_client = 0;
  std::int64_t to_client = 0;
  std::int64_t from_peers = 0;
  std::int64_t to_peers = 0;
};

std::int64_t count_in(const model::Event& event, std::string_view name) {
  const auto* value = model::find_field(event, name);
  const auto* number = value != nullptr ? std::get_if<std::int64_t>(value) : nullptr;
  return number != nullptr ? *number : 0;
}

}  // namespace

std::vector<model::Event> turn_drops(const std::vector<model::Event>& events) {
  std::map<std::string, unsigned> restarts;  // a server that begins anew counts its sessions from the first one again
  std::map<std::tuple<std::string, unsigned, std::int64_t>, Counts> sessions;
  for (const auto& event : events) {
    if (event.source == model::Source::lab && event.kind == "service-restarted") ++restarts[event.where];
    if (event.source != model::Source::turn) continue;
    const bool request = event.kind == "request";
    const bool client = event.kind == "usage";
    const bool closed = event.kind == "closed";
    if (!request && !client && !closed && event.kind != "peer-usage") continue;
    auto& counts = sessions[{event.where, restarts[event.where], count_in(event, "session")}];
    if (request) ++counts.requests;
    if (closed) counts.closed = true;
    if (request || closed) continue;
    // Each says what has come since the one before.
    (client ? counts.from_client : counts.from_peers) += count_in(event, "received_packets");
    (client ? counts.to_client : counts.to_peers) += count_in(event, "sent_packets");
    counts.last = &event;
  }
  std::vector<model::Event> drops;
  for (const auto& [place, counts] : sessions) {
    if (counts.last == nullptr || !counts.closed) continue;
    const auto from_peers = counts.from_peers - (counts.to_client - counts.requests);
    const auto from_client = counts.from_client - counts.requests - counts.to_peers;
    if (from_peers <= 0 && from_client <= 0) continue;
    const auto& [where, restart, session] = place;
    model::Event drop{counts.last->at, model::Source::turn, where, kTurnDropped, {{"session", session}}};
    if (const auto* user = model::find_field(*counts.last, "user")) drop.fields.emplace_back("user", *user);
    drop.fields.emplace_back("from_peers", std::max<std::int64_t>(from_peers, 0));
    drop.fields.emplace_back("from_client", std::max<std::int64_t>(from_client, 0));
    drops.push_back(std::move(drop));
  }
  std::ranges::stable_sort(drops, {}, &model::Event::at);
  return drops;
}

}  // namespace crypelab::services
