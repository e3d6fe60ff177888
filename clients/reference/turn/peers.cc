#include "clients/reference/turn/peers.h"

#include <algorithm>

namespace crypelab::client::turn {
namespace {

// Most allocations have a handful of peers: the first look is at the ones that were added first.
template <class Table, class Key, class Field>
auto* find(Table& table, const Key& key, Field field) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.*field == key; });
  return found != table.end() ? &*found : nullptr;
}

}  // namespace

Peers::Permission* Peers::permission(const Address& peer) { return find(permissions_, peer, &Permission::peer); }
const Peers::Permission* Peers::permission(const Address& peer) const {
  return find(permissions_, peer, &Permission::peer);
}

bool Peers::permitted(const Address& peer, Time now) const {
  const auto* found = permission(peer);
  return found != nullptr && found->granted && now < found->expires;
}

Peers::Permission* Peers::add_permission(const Address& peer) {
  if (permissions_.size() >= most) return nullptr;
  return &permissions_.emplace_back(Permission{.peer = peer});
}

void Peers::drop_permission(const Address& peer) {
  std::erase_if(permissions_, [&](const Permission& entry) { return entry.peer == peer; });
}

Peers::Channel* Peers::channel(const Endpoint& peer) { return find(channels_, peer, &Channel::peer); }
const Peers::Channel* Peers::channel(const Endpoint& peer) const { return find(channels_, peer, &Channel::peer); }
const Peers::Channel* Peers::channel(std::uint16_t number) const { return find(channels_, number, &Channel::number); }

Peers::Channel* Peers::add_channel(const Endpoint& peer, std::uint16_t number) {
  if (channels_.size() >= most) return nullptr;
  return &channels_.emplace_back(Channel{.peer = peer, .number = number});
}

}  // namespace crypelab::client::turn
