#include "clients/reference/transport/ladder.h"

#include <algorithm>
#include <array>

namespace crypelab::client::transport {

std::vector<PlannedRung> plan_ladder(const std::vector<IceServer>& servers, bool udp, Duration head_start,
                                     const Misbehaviour& misbehaviour) {
  std::array order{RelayedOver::udp, RelayedOver::tcp, RelayedOver::tls};
  if (misbehaviour.breaks(Rule::u03)) std::reverse(order.begin(), order.end());
  std::vector<PlannedRung> ladder;
  Duration kind_begins{0};
  for (const auto over : order) {
    if (over == RelayedOver::udp && !udp) continue;
    if (over == RelayedOver::tcp && misbehaviour.breaks(Rule::w03)) continue;
    if (over == RelayedOver::tls && misbehaviour.breaks(Rule::w04)) continue;
    Duration delay = kind_begins;
    for (const auto& server : servers) {
      for (const auto& uri : server.urls) {
        const bool dtls = uri.scheme == IceUri::Scheme::turns && !uri.tcp;  // spoken by nobody here
        if (!uri.relays() || uri.over() != over || dtls) continue;
        const bool known = std::any_of(ladder.begin(), ladder.end(), [&](const auto& one) { return one.uri == uri; });
        if (known || ladder.size() >= 32) continue;
        ladder.push_back({uri, server.username, server.credential, delay});
        delay += head_start / 2;
      }
    }
    if (delay != kind_begins) kind_begins += head_start;
  }
  return ladder;
}

std::vector<IceUri> reflexive_servers(const std::vector<IceServer>& servers) {
  std::vector<IceUri> stun;
  std::vector<IceUri> turn;
  for (const auto& server : servers) {
    for (const auto& uri : server.urls) {
      if (uri.scheme == IceUri::Scheme::stun) stun.push_back(uri);
      if (uri.over() == RelayedOver::udp && uri.relays()) turn.push_back({IceUri::Scheme::stun, uri.host, uri.port});
    }
  }
  auto& chosen = stun.empty() ? turn : stun;
  if (chosen.size() > 4) chosen.resize(4);
  return chosen;
}

}  // namespace crypelab::client::transport
