#include "harness/evidence/allocations.h"

#include <algorithm>
#include <map>

namespace crypelab::evidence {

std::string client_of_user(std::string_view user) {
  const auto colon = user.rfind(':');
  return std::string(colon == std::string_view::npos ? user : user.substr(colon + 1));
}

std::vector<Allocation> allocations_of(std::span<const model::Event> events) {
  std::vector<Allocation> all;
  std::map<std::pair<std::string, std::int64_t>, std::vector<std::size_t>> open;  // a new server counts from the start
  const auto end_all = [&](const std::string& server, std::chrono::nanoseconds at) {
    for (auto& [session, places] : open) {
      if (session.first != server) continue;
      for (const auto place : places) all[place].ended = at;
      places.clear();
    }
  };
  for (const auto& event : events) {
    // Who is killed writes nothing any more.
    if (event.source == model::Source::lab && event.kind == "service-restarted") end_all(event.where, event.at);
    if (event.source != model::Source::turn) continue;
    const auto* field = model::find_field(event, "session");
    const auto* number = field == nullptr ? nullptr : std::get_if<std::int64_t>(field);
    if (number == nullptr || *number < 0) continue;
    auto& places = open[{event.where, *number}];
    if (event.kind == "allocation") {
      const auto* tls = model::find_field(event, "tls");
      const auto* yes = tls != nullptr ? std::get_if<bool>(tls) : nullptr;
      places.push_back(all.size());
      all.push_back({event.where, *number, client_of_user(model::text_field(event, "user")),
                     (yes != nullptr && *yes) || model::text_field(event, "transport") == "tls", event.at,
                     std::nullopt});
    } else if (event.kind == "delete" && !places.empty()) {
      all[places.back()].ended = event.at;
      places.pop_back();
    }
  }
  return all;
}

}  // namespace crypelab::evidence
