#include "harness/judge/turn_sessions.h"

#include <algorithm>

namespace crypelab::judge {

std::string client_of_user(std::string_view user) {
  const auto colon = user.rfind(':');
  return std::string(colon == std::string_view::npos ? user : user.substr(colon + 1));
}

std::vector<TurnSession> turn_sessions(const Scene& scene) {
  std::vector<TurnSession> sessions;
  for (const auto& event : scene.attempt().events) {
    if (event.source != model::Source::turn) continue;
    const auto number = number_field(event, "session", -1);
    if (number < 0) continue;
    if (event.kind == "allocation") {
      const auto* tls = model::find_field(event, "tls");
      const auto* yes = tls != nullptr ? std::get_if<bool>(tls) : nullptr;
      sessions.push_back({event.where, number, client_of_user(model::text_field(event, "user")),
                          (yes != nullptr && *yes) || model::text_field(event, "transport") == "tls", event.at,
                          std::nullopt});
    } else if (event.kind == "delete") {
      for (auto& session : sessions) {
        if (session.server == event.where && session.number == number && !session.deleted) session.deleted = event.at;
      }
    }
  }
  return sessions;
}

}  // namespace crypelab::judge
