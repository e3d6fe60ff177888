// What a gatherer has of the machine itself: sockets on its addresses, what STUN servers see of them, TCP candidates.
#include "clients/reference/transport/gatherer_body.h"
#include "clients/reference/transport/interfaces.h"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace crypelab::client::transport {

using Clock = std::chrono::steady_clock;
using Type = wire::IceCandidate::Type;
using Transport = wire::IceCandidate::Transport;
using TcpType = wire::IceCandidate::TcpType;

namespace {

constexpr std::size_t most_addresses = 8;
constexpr Duration resolve_time = 10s;

}  // namespace

std::vector<Address> Gatherer::Body::offered_addresses() const {
  auto addresses = local_addresses(settings_.allow_loopback || settings_.misbehaviour.breaks(Rule::i01));
  std::erase_if(addresses, [&](const Address& one) {
    if (one.is_v6() && settings_.misbehaviour.breaks(Rule::w12)) return true;
    return !ice::is_offerable(one) && !ice::is_loopback(one);
  });
  if (addresses.size() > most_addresses) addresses.resize(most_addresses);
  return addresses;
}

void Gatherer::Body::drop_gone(const std::vector<Address>& addresses) {
  const auto gone = [&](const Address& address) {
    return std::find(addresses.begin(), addresses.end(), address) == addresses.end();
  };
  const Time now = Clock::now();
  for (auto entry = hosts_.begin(); entry != hosts_.end();) {
    if (!gone(entry->second->local().address)) {
      ++entry;
      continue;
    }
    agent_->remove_base(entry->first, now);
    entry = hosts_.erase(entry);
  }
  std::erase_if(tcp_bases_, [&](const auto& entry) {
    if (!gone(entry.second)) return false;
    agent_->remove_base(entry.first, now);
    tcp_.remove(entry.first);
    return true;
  });
  retire([&](const Rung& rung) {
    const auto local = rung.rung->local();
    return rung.base != 0 && local != any_of(local.family()) && !ice::is_loopback(local) && gone(local);
  });
}

void Gatherer::Body::open_sockets(const std::vector<Address>& addresses) {
  const auto preferences = ice::fair_preferences(addresses);
  const Time now = Clock::now();
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto& address = addresses[i];
    const bool known = std::any_of(hosts_.begin(), hosts_.end(),
                                   [&](const auto& one) { return one.second->local().address == address; });
    if (!known && !distrusted_.contains(RelayedOver::udp)) {
      auto socket = HostSocket::open(executor_, next_base_ + 1, {address, 0}, random_, *this, settings_.misbehaviour);
      if (!socket) continue;  // an address that is just going or coming
      const auto base = ++next_base_;
      const auto local = (*socket)->local();
      hosts_[base] = std::move(*socket);
      agent_->add_local({.base = base, .address = local, .related = local, .preference = preferences[i]}, now);
    }
    const bool known_tcp =
        std::any_of(tcp_bases_.begin(), tcp_bases_.end(), [&](const auto& one) { return one.second == address; });
    if (known_tcp || !settings_.tcp_candidates || settings_.misbehaviour.breaks(Rule::w07)) continue;
    ice::LocalCandidate candidate{.base = ++next_base_,
                                  .transport = Transport::tcp,
                                  .tcp_type = TcpType::active,
                                  .address = {address, 9},
                                  .related = {address, 9},
                                  .preference = preferences[i]};
    tcp_.may_connect(candidate.base, address);
    tcp_bases_[candidate.base] = address;
    agent_->add_local(candidate, now);
    if (const auto port = tcp_.listen(next_base_ + 1, address)) {
      candidate.base = ++next_base_;
      candidate.tcp_type = TcpType::passive;
      candidate.address = candidate.related = {address, *port};
      tcp_bases_[candidate.base] = address;
      agent_->add_local(candidate, now);
    }
  }
}

void Gatherer::Body::ask_reflexive() {
  if (hosts_.empty()) return;
  for (const auto& uri : reflexive_servers(settings_.servers)) {
    ++resolving_stun_;
    boost::asio::co_spawn(executor_, ask_reflexive(shared_from_this(), uri), boost::asio::detached);
  }
}

Awaitable<void> Gatherer::Body::ask_reflexive(std::shared_ptr<Body> self, IceUri uri) {
  const auto resolved = co_await self->resolver_.resolve(uri.host, Clock::now() + resolve_time);
  --self->resolving_stun_;
  for (const auto& address : resolved.addresses) {
    for (auto& [base, host] : self->hosts_) host->ask({address, uri.port});
  }
  self->wake_ladder();
}

void Gatherer::Body::received(const ice::Route& route, wire::Bytes bytes) {
  if (agent_ == nullptr) return;
  if (tcp_.knows(route.base)) {
    agent_->receive_stream(route, bytes, Clock::now());
  } else {
    agent_->receive(route, bytes, Clock::now());
  }
  stir();
}

void Gatherer::Body::unreachable(const ice::Route& route) {
  if (agent_ == nullptr) return;
  agent_->unreachable(route, Clock::now());
  stir();
}

void Gatherer::Body::reflexive(ice::Base base, const Endpoint& local, const Endpoint& mapped, const Address& server) {
  changed_.cancel();
  if (agent_ == nullptr || mapped == local) return;
  agent_->add_local({.base = base, .type = Type::srflx, .address = mapped, .related = local, .server = server},
                    Clock::now());
  stir();
}

bool Gatherer::Body::connected(const ice::Route& route) {
  if (agent_ == nullptr) return false;
  const bool taken = agent_->connected(route, Clock::now());
  stir();
  return taken;
}

void Gatherer::Body::disconnected(const ice::Route& route) {
  if (agent_ == nullptr) return;
  agent_->disconnected(route, Clock::now());
  stir();
}

}  // namespace crypelab::client::transport
