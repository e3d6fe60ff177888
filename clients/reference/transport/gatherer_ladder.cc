// The relays of a gatherer: which ways to TURN servers begin when, which one stays, and what becomes of the others.
#include "clients/reference/transport/gatherer_body.h"
#include "clients/reference/transport/interfaces.h"
#include "clients/reference/transport/race.h"

#include <algorithm>

#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

namespace crypelab::client::transport {

using Clock = std::chrono::steady_clock;
using Type = wire::IceCandidate::Type;

namespace {

constexpr std::size_t most_udp_sources = 4;  // local addresses of one family that relays are asked for from
constexpr std::size_t most_udp_servers = 4;  // addresses of one TURN server
constexpr Duration resolve_time = 10s;

}  // namespace

Gatherer::Body::Rung* Gatherer::Body::rung_of(ice::Base base) {
  const auto found =
      std::find_if(rungs_.begin(), rungs_.end(), [&](const auto& one) { return one->base == base && base != 0; });
  return found == rungs_.end() ? nullptr : found->get();
}

Gatherer::Body::Rung& Gatherer::Body::rung_of(const TurnRung& rung) {
  return **std::find_if(rungs_.begin(), rungs_.end(), [&](const auto& one) { return one->rung.get() == &rung; });
}

bool Gatherer::Body::owns(const TurnRung& rung) const {
  return std::any_of(rungs_.begin(), rungs_.end(), [&](const auto& one) { return one->rung.get() == &rung; });
}

void Gatherer::Body::raise_ladder(const std::vector<Address>& addresses) {
  retire([](const Rung& rung) { return rung.base == 0; });
  retired_.clear();
  raised_ = Clock::now();
  proxied_ = false;
  const auto number = ++ladder_;
  const bool udp = settings_.non_proxied_udp;
  bool asked_route = false;
  auto plan = plan_ladder(settings_.servers, udp, settings_.head_start, settings_.misbehaviour);
  const auto bad = [&](const PlannedRung& one) { return distrusted_.contains(one.uri.over()); };
  if (!std::all_of(plan.begin(), plan.end(), bad)) std::erase_if(plan, bad);
  for (auto& planned : plan) {
    if (planned.uri.over() != RelayedOver::udp && !std::exchange(asked_route, true)) {
      boost::asio::co_spawn(executor_, ask_route(shared_from_this(), planned.uri, number), boost::asio::detached);
    }
    if (planned.uri.over() == RelayedOver::udp) {
      ++resolving_;
      boost::asio::co_spawn(executor_, find_udp_servers(shared_from_this(), planned, addresses, number),
                            boost::asio::detached);
    } else {
      add_rung(planned, Address(), std::nullopt);
    }
  }
  boost::asio::co_spawn(executor_, climb(shared_from_this(), number), boost::asio::detached);
}

Awaitable<void> Gatherer::Body::ask_route(std::shared_ptr<Body> self, IceUri uri, unsigned ladder) {
  if (self->over_) co_return;
  const auto limit = Clock::now() + self->settings_.head_start;
  const auto via = co_await self->dialer_.route(Purpose::turn, uri.host, uri.port, limit);
  if (self->ladder_ != ladder || via.kind == proxy::Server::Kind::direct) co_return;
  self->proxied_ = true;
  self->wake_ladder();
}

Duration Gatherer::Body::shortened(Duration delay) const {
  if (!proxied_ || settings_.head_start.count() == 0) return delay;
  return delay * std::min(settings_.proxied_head_start, settings_.head_start).count() / settings_.head_start.count();
}

Awaitable<void> Gatherer::Body::find_udp_servers(std::shared_ptr<Body> self, PlannedRung planned,
                                                 std::vector<Address> addresses, unsigned ladder) {
  const auto resolved = co_await self->resolver_.resolve(planned.uri.host, Clock::now() + resolve_time);
  --self->resolving_;
  self->wake_ladder();
  if (self->ladder_ != ladder) co_return;
  if (resolved.addresses.empty()) {
    RungReport report{.uri = planned.uri, .state = RungReport::State::failed};
    report.trouble = {Problem::dns_failed, to_string(planned.uri) + ": " + resolved.fault};
    // For the diagnosis only: behind a proxy nothing needs this name (CRYPE P-23).
    self->retired_.push_back(report);
    co_return;
  }
  std::size_t servers = 0;
  const Duration apart = self->settings_.head_start / 2;
  const Duration before = planned.delay;
  for (const auto& server : resolved.addresses) {
    if (servers == most_udp_servers) break;
    const auto usual = source_towards({server, planned.uri.port});
    std::vector<Address> sources;
    if (usual != any_of(server.family())) sources.push_back(usual);
    for (const auto& address : addresses) {
      if (address.family() == server.family() && address != usual &&
          ice::is_loopback(address) == ice::is_loopback(server) && sources.size() < most_udp_sources) {
        sources.push_back(address);
      }
    }
    planned.delay = before + static_cast<long>(servers) * apart;
    for (const auto& source : sources) self->add_rung(planned, source, server);
    if (!sources.empty()) ++servers;
  }
  self->wake_ladder();
}

void Gatherer::Body::add_rung(const PlannedRung& planned, const Address& from, std::optional<Address> server) {
  TurnRung::Settings settings{.uri = planned.uri,
                              .username = planned.username,
                              .credential = planned.credential,
                              .from = from,
                              .server = server,
                              .software = settings_.software,
                              .keep_trying = true,
                              .misbehaviour = settings_.misbehaviour};
  const auto name = planned.uri.host + "|" + (server ? to_string(*server) : std::string()) + "|" + planned.username;
  auto& record =
      records_.try_emplace(name, turn::AddressFamilies::both, settings_.misbehaviour, &accounts_[planned.username])
          .first->second;
  auto rung = std::make_unique<Rung>();
  rung->rung = std::make_unique<TurnRung>(executor_, std::move(settings), record, dialer_, resolver_, random_, *this);
  rung->delay = planned.delay;
  const auto later =
      std::find_if(rungs_.begin(), rungs_.end(), [&](const auto& other) { return other->delay > planned.delay; });
  rungs_.insert(later, std::move(rung));
}

void Gatherer::Body::raise_again() {
  again_.expires_at(std::max(Clock::now(), raised_ + Duration(1s)));
  again_.async_wait([self = shared_from_this()](Error error) {
    if (error || self->over_ || self->has_relay() || self->agent_ == nullptr) return;
    self->raise_ladder(self->offered_addresses());
  });
}

bool Gatherer::Body::decided(const Rung& rung) {
  using State = RungReport::State;
  return rung.rung->started() && rung.rung->report().state != State::trying;
}

bool Gatherer::Body::has_relay() const {
  return std::any_of(rungs_.begin(), rungs_.end(), [](const auto& one) { return one->base != 0; });
}

Awaitable<void> Gatherer::Body::climb(std::shared_ptr<Body> self, unsigned ladder) {
  const Time begun = Clock::now();
  const bool serially = self->settings_.misbehaviour.breaks(Rule::u27);
  while (self->ladder_ == ladder && !self->over_ && !self->has_relay()) {
    std::optional<Time> next;
    const auto all = [&](auto is) { return std::all_of(self->rungs_.begin(), self->rungs_.end(), is); };
    const bool none_begun = all([](const auto& one) { return !one->rung->started(); });
    // Neither a silent resolver nor silent UDP is waited for longer than their head start.
    const bool waited = !serially && Clock::now() >= begun + self->shortened(self->settings_.head_start);
    const auto came_to_nothing = [&](const Rung& one) {
      return decided(one) || (waited && one.rung->settings().uri.over() == RelayedOver::udp);
    };
    // What has begun came to nothing: the next one need not wait.
    const bool idle = (self->resolving_ == 0 || waited) &&
                      all([&](const auto& one) { return !one->rung->started() || came_to_nothing(*one); });
    for (auto& one : self->rungs_) {
      const Time due = begun + self->shortened(one->delay);
      if (one->rung->started()) continue;
      if (serially ? idle || none_begun : idle || Clock::now() >= due) {
        one->rung->start();
        if (idle || serially) {
          next = Clock::now();
          break;
        }
      } else if (!serially) {
        next = earlier(next, due);
      }
    }
    if (next && *next <= Clock::now()) continue;
    if (self->resolving_ == 0 && all([](const auto& one) { return decided(*one); })) {
      // A proxy with few connections may have one more now.
      const auto crowded = std::find_if(self->rungs_.begin(), self->rungs_.end(),
                                        [](const auto& one) { return one->rung->crowded_out() && !one->retried; });
      if (crowded == self->rungs_.end()) co_return;
      (*crowded)->retried = true;
      (*crowded)->rung->start();
    }
    self->wake_ladder_.emplace(self->executor_, next.value_or(Time::max()));
    co_await self->wake_ladder_->async_wait(use);
  }
}

void Gatherer::Body::wake_ladder() {
  if (wake_ladder_) wake_ladder_->cancel();
  changed_.cancel();
}

void Gatherer::Body::retire(const std::function<bool(const Rung&)>& which) {
  std::vector<std::unique_ptr<Rung>> gone;
  for (auto& rung : rungs_) {
    if (which(*rung)) gone.push_back(std::move(rung));
  }
  std::erase_if(rungs_, [](const auto& rung) { return !rung; });
  for (auto& rung : gone) {
    if (!rung->rung->started()) continue;
    if (rung->base == 0 && decided(*rung)) retired_.push_back(rung->rung->report());
    if (rung->base != 0 && agent_ != nullptr) agent_->remove_base(rung->base, Clock::now());
    ++closing_;
    boost::asio::co_spawn(executor_, finish(shared_from_this(), std::move(rung)), boost::asio::detached);
  }
  if (retired_.size() > 64) retired_.erase(retired_.begin(), retired_.end() - 64);
  stir_later();
}

Awaitable<void> Gatherer::Body::finish(std::shared_ptr<Body> self, std::unique_ptr<Rung> rung) {
  co_await rung->rung->close();
  rung.reset();
  --self->closing_;
  self->changed_.cancel();
}

void Gatherer::Body::allocated(TurnRung& rung) {
  if (agent_ == nullptr || !owns(rung)) return;
  auto& own = rung_of(rung);
  auto* allocation = rung.allocation();
  if (allocation == nullptr) return;
  if (own.base != 0) agent_->remove_base(own.base, Clock::now());
  own.base = ++next_base_;
  for (const auto family : {Family::v4, Family::v6}) {
    const auto& relayed = allocation->relayed(family);
    if (!relayed) continue;
    ice::LocalCandidate candidate{.base = own.base, .type = Type::relay, .address = *relayed};
    candidate.related = allocation->mapped().value_or(Endpoint{any_of(family), 0});
    if (rung.report().server) candidate.server = rung.report().server->address;
    candidate.over = rung.settings().uri.over();
    agent_->add_local(candidate, Clock::now());
  }
  // Others are not needed: those of a worse kind, and those that only begin.
  boost::asio::post(executor_, [self = shared_from_this(), &own, best = own.base] {
    if (self->over_ || self->rung_of(best) != &own) return;
    self->retire([&](const Rung& other) { return &other != &own && other.base == 0; });
    self->keep_best();
    self->wake_ladder();
  });
  stir();
}

void Gatherer::Body::keep_best() {
  const auto over = [](const Rung& rung) { return rung.rung->settings().uri.over(); };
  const Rung* best = nullptr;
  for (const auto& rung : rungs_) {
    if (rung->base != 0 && (best == nullptr || over(*rung) < over(*best))) best = rung.get();
  }
  retire([&](const Rung& rung) { return &rung != best; });
}

void Gatherer::Body::received(TurnRung& rung, const turn::PeerData& data) {
  if (agent_ == nullptr || !owns(rung)) return;
  const auto base = rung_of(rung).base;
  if (base == 0) return;
  agent_->receive({base, data.peer}, data.payload, Clock::now());
  stir();
}

void Gatherer::Body::permission(TurnRung& rung, const Address& peer, bool granted) {
  if (agent_ == nullptr || !owns(rung) || rung_of(rung).base == 0) return;
  agent_->permission(rung_of(rung).base, peer, granted, Clock::now());
  stir();
}

void Gatherer::Body::told(TurnRung& rung, const RungReport& report) {
  if (over_ || !owns(rung)) return;
  auto& own = rung_of(rung);
  using State = RungReport::State;
  const bool wanted = !used_ || *used_ == own.base;
  const bool gone = report.state == State::lost || report.state == State::failed || report.state == State::waiting;
  if (gone && own.base != 0 && agent_ != nullptr) {
    agent_->remove_base(own.base, Clock::now());
    own.base = 0;
    stir();
  }
  if (listener_ != nullptr) listener_->told(report);
  // Whatever ended it, another way may be better now.
  if (report.state == State::lost && wanted) raise_again();
  wake_ladder();
}

}  // namespace crypelab::client::transport
