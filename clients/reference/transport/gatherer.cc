#include "clients/reference/transport/gatherer_body.h"
#include "clients/reference/transport/race.h"

#include <algorithm>
#include <array>

#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

namespace crypelab::client::transport {

using Clock = std::chrono::steady_clock;
using Type = wire::IceCandidate::Type;

namespace {

constexpr Duration unused_relays_live = 60s;  // after ICE has chosen
constexpr Duration climbing_time = 10s;
constexpr Duration time_to_close = 3s;

}  // namespace

void Gatherer::Body::start(ice::Agent& agent) {
  agent_ = &agent;
  gather();
}

void Gatherer::Body::gather() {
  used_.reset();
  unused_.cancel();
  const auto addresses = offered_addresses();
  drop_gone(addresses);
  if (settings_.non_proxied_udp && !settings_.relay_only) open_sockets(addresses);
  ask_reflexive();
  const bool relayed = std::any_of(rungs_.begin(), rungs_.end(), [](const auto& one) { return one->base != 0; });
  // A ladder that is being climbed is left to it, unless it has taken too long.
  const bool climbing = Clock::now() < raised_ + climbing_time &&
                        std::any_of(rungs_.begin(), rungs_.end(), [](const auto& one) { return !decided(*one); });
  if (!relayed && !climbing && !settings_.misbehaviour.breaks(Rule::w02)) raise_ladder(addresses);
  if (!watching_) {
    watching_ = true;
    boost::asio::co_spawn(executor_, watch(shared_from_this()), boost::asio::detached);
  }
  stir_later();
}

void Gatherer::Body::change_servers(std::vector<IceServer> servers) {
  settings_.servers = std::move(servers);
  raised_ = {};  // what is being climbed has the old credentials
}

void Gatherer::Body::distrust(RelayedOver over) {
  if (agent_ == nullptr || over == RelayedOver::none) return;
  distrusted_.insert(over);
  raised_ = {};
  retire([over](const Rung& one) { return one.rung->settings().uri.over() == over; });
  if (over != RelayedOver::udp) return;
  for (const auto& [base, host] : hosts_) agent_->remove_base(base, Clock::now());
  hosts_.clear();
}

void Gatherer::Body::abandon() {
  listener_ = nullptr;
  agent_ = nullptr;
  over_ = true;
  ladder_ += 1;
  rungs_.clear();
  hosts_.clear();
  changed_.cancel();
  unused_.cancel();
  again_.cancel();
}

void Gatherer::Body::concluded(const ice::PathInfo& path) {
  for (auto& [base, host] : hosts_) host->conclude();
  Rung* used = nullptr;
  for (auto& rung : rungs_) {
    auto* allocation = rung->rung->allocation();
    const auto relayed = [&](Family family) {
      return allocation != nullptr && allocation->relayed(family) &&
             to_string(allocation->relayed(family)->address) == path.local.host &&
             allocation->relayed(family)->port == path.local.port;
    };
    if (path.local.type == Type::relay && (relayed(Family::v4) || relayed(Family::v6))) used = rung.get();
  }
  if (used != nullptr) {
    if (const auto peer = path.remote.endpoint()) used->rung->bind(*peer);
  }
  ladder_ += 1;  // what has not begun is not needed; a ladder raised later begins anew
  raised_ = {};
  retire([](const Rung& one) { return !one.rung->started(); });
  wake_ladder();
  const ice::Base keep = used != nullptr ? used->base : 0;
  used_ = keep;
  unused_.expires_after(unused_relays_live);
  unused_.async_wait([self = shared_from_this(), keep](Error error) {
    if (error || self->over_) return;
    self->retire([keep](const Rung& rung) { return rung.base != keep || keep == 0; });
  });
}

std::vector<RungReport> Gatherer::Body::reports() const {
  auto all = retired_;
  for (const auto& rung : rungs_) {
    if (rung->rung->started()) all.push_back(rung->rung->report());
  }
  return all;
}

Awaitable<void> Gatherer::Body::close(std::shared_ptr<Body> self) {
  self->over_ = true;
  self->ladder_ += 1;
  self->unused_.cancel();
  self->again_.cancel();
  self->retire([](const Rung&) { return true; });
  const Time limit = Clock::now() + time_to_close;
  while (self->closing_ > 0 && Clock::now() < limit) {
    self->changed_.expires_at(limit);
    co_await self->changed_.async_wait(use);
  }
  self->hosts_.clear();
  self->agent_ = nullptr;
  self->listener_ = nullptr;
}

void Gatherer::Body::send(const ice::Route& route, wire::Bytes bytes) {
  if (const auto host = hosts_.find(route.base); host != hosts_.end()) return host->second->send(route.remote, bytes);
  if (auto* rung = rung_of(route.base)) {
    rung->rung->send(route.remote, bytes);
    return;
  }
  if (settings_.misbehaviour.breaks(Rule::w08) && bytes.size() > 2) bytes = bytes.subspan(2);
  tcp_.send(route, bytes);
}

void Gatherer::Body::deliver(wire::Bytes packet) {
  if (listener_ != nullptr) listener_->deliver(packet);
}

void Gatherer::Body::permit(ice::Base base, const Address& peer) {
  if (auto* rung = rung_of(base)) return rung->rung->permit(peer);
  boost::asio::post(executor_, [self = shared_from_this(), base, peer] {
    if (self->agent_ == nullptr) return;
    self->agent_->permission(base, peer, false, Clock::now());
    self->stir();
  });
}

Awaitable<void> Gatherer::Body::watch(std::shared_ptr<Body> self) {
  const Time limit = Clock::now() + self->settings_.patience;
  // Not before whoever asked for more has done with the agent: a restart forgets the end.
  co_await boost::asio::post(self->executor_, use);
  while (!self->over_ && Clock::now() < limit) {
    const bool sockets =
        std::all_of(self->hosts_.begin(), self->hosts_.end(), [](const auto& one) { return one.second->decided(); });
    const bool rungs = self->has_relay() || std::all_of(self->rungs_.begin(), self->rungs_.end(),
                                                        [](const auto& one) { return decided(*one); });
    if (self->resolving_ == 0 && self->resolving_stun_ == 0 && sockets && rungs) break;
    self->changed_.expires_at(limit);
    co_await self->changed_.async_wait(use);
  }
  self->watching_ = false;
  if (self->over_ || self->agent_ == nullptr) co_return;
  self->agent_->end_local(Clock::now());
  self->stir();
}

void Gatherer::Body::stir() {
  if (listener_ != nullptr) listener_->stirred();
}

void Gatherer::Body::stir_later() {
  boost::asio::post(executor_, [self = shared_from_this()] { self->stir(); });
}
Gatherer::Gatherer(boost::asio::any_io_executor executor, Settings settings, Dialer& dialer, Resolver& resolver,
                   Random& random, Listener& listener)
    : body_(std::make_shared<Body>(std::move(executor), std::move(settings), dialer, resolver, random, listener)) {}
Gatherer::~Gatherer() { body_->abandon(); }

void Gatherer::start(ice::Agent& agent) { body_->start(agent); }
void Gatherer::gather_again() { body_->gather(); }
void Gatherer::change_servers(std::vector<IceServer> servers) { body_->change_servers(std::move(servers)); }
void Gatherer::concluded(const ice::PathInfo& path) { body_->concluded(path); }
void Gatherer::distrust(ice::RelayedOver over) { body_->distrust(over); }
void Gatherer::trust_again() { body_->trust_again(); }
std::vector<RungReport> Gatherer::reports() const { return body_->reports(); }
Awaitable<void> Gatherer::close() { return Body::close(body_); }

void Gatherer::send(const ice::Route& route, wire::Bytes bytes) { body_->send(route, bytes); }
void Gatherer::deliver(wire::Bytes packet) { body_->deliver(packet); }
void Gatherer::connect(const ice::Route& route) { body_->connect(route); }
void Gatherer::permit(ice::Base base, const Address& peer) { body_->permit(base, peer); }

std::optional<Trouble> most_telling(std::span<const RungReport> reports) {
  // What names a person's next step first.
  constexpr std::array order{Problem::turn_tls_untrusted,     Problem::proxy_tls_untrusted,
                             Problem::proxy_auth_failed,      Problem::proxy_auth_required,
                             Problem::proxy_auth_unsupported, Problem::captive_portal,
                             Problem::turn_auth_failed,       Problem::turn_quota,
                             Problem::proxy_unreachable,      Problem::turn_tls_blocked,
                             Problem::proxy_connect_denied,   Problem::dns_failed,
                             Problem::turn_unreachable};
  for (const auto code : order) {
    for (const auto& report : reports) {
      if (report.state != RungReport::State::relayed && report.trouble.code == code && !report.trouble.detail.empty()) {
        return report.trouble;
      }
    }
  }
  return std::nullopt;
}

}  // namespace crypelab::client::transport
