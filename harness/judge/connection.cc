#include "harness/judge/connection.h"

#include <algorithm>

namespace crypelab::judge {

const ClientView* Connection::view(const std::string& client) const {
  const auto found = std::ranges::find(views, client, &ClientView::name);
  return found == views.end() ? nullptr : &*found;
}

Connection connection_of(const Scene& scene) {
  Connection connection;
  const auto callers = scene.callers();
  for (const auto& name : callers) {
    ClientView view{.name = name};
    const auto* client = model::find_client(scene.scenario(), name);
    if (client != nullptr && !client->sites.empty()) view.site = client->sites.front();
    view.carriers = carriers_of(scene, name);
    connection.views.push_back(std::move(view));
  }
  bool words = connection.views.size() == 2;
  connection.data_seen = words;
  for (std::size_t i = 0; i < connection.views.size(); ++i) {
    auto& view = connection.views[i];
    view.path = path_of(view.carriers);
    const auto* other = i < 2 && callers.size() == 2 ? scene.attempt().party(callers[1 - i]) : nullptr;
    for (const auto* event : scene.all(view.name, "connected")) {
      if (view.connected == nullptr) view.connected = event;
      if (other == nullptr || other->proof.empty() || model::text_field(*event, "peer_proof") != other->proof) {
        if (view.untrue == nullptr) view.untrue = event;
        continue;
      }
      if (view.quotes_peer) continue;
      view.connected = event;
      view.quotes_peer = true;
    }
    words = words && view.quotes_peer;
    connection.data_seen = connection.data_seen && view.path != nullptr;
    if (view.quotes_peer) connection.at = std::max(connection.at.value_or(view.connected->at), view.connected->at);
  }
  connection.connected = words && (connection.data_seen || !scene.packets_are_whole());
  if (!connection.connected) connection.at.reset();
  return connection;
}

}  // namespace crypelab::judge
