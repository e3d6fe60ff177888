#include "clients/reference/transport/gatherer.h"

#include "clients/reference/transport/host_socket.h"
#include "clients/reference/transport/ice_tcp.h"
#include "clients/reference/transport/interfaces.h"
#include "clients/reference/transport/ladder.h"
#include "clients/reference/transport/race.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

namespace crypelab::client::transport {

using Clock = std::chrono::steady_clock;
using Type = wire::IceCandidate::Type;
using Transport = wire::IceCandidate::Transport;
using TcpType = wire::IceCandidate::TcpType;

namespace {

constexpr auto use = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr std::size_t most_addresses = 8;
constexpr std::size_t most_udp_sources = 4;  // local addresses of one family that relays are asked for from
constexpr std::size_t most_udp_servers = 4;  // addresses of one TURN server
constexpr Duration resolve_time = 10s;
constexpr Duration unused_relays_live = 60s;  // after ICE has chosen
constexpr Duration climbing_time = 10s;
constexpr Duration time_to_close = 3s;

Address any_of(Family family) { return family == Family::v6 ? Address::v6({}) : Address(); }

}  // namespace

class Gatherer::Body final : public std::enable_shared_from_this<Body>,
                             public HostSocket::Listener,
                             public IceTcp::Listener,
                             public TurnRung::Listener {
 public:
  Body(boost::asio::any_io_executor executor, Settings settings, Dialer& dialer, Resolver& resolver, Random& random,
       Gatherer::Listener& listener)
      : executor_(executor),
        settings_(std::move(settings)),
        dialer_(dialer),
        resolver_(resolver),
        random_(random),
        listener_(&listener),
        tcp_(executor, *this),
        changed_(executor),
        unused_(executor),
        again_(executor) {
    changed_.expires_at(Time::max());
  }

  void start(ice::Agent& agent) {
    agent_ = &agent;
    gather();
  }

  void gather() {
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

  void change_servers(std::vector<IceServer> servers) {
    settings_.servers = std::move(servers);
    raised_ = {};  // what is being climbed has the old credentials
  }

  void distrust(RelayedOver over) {
    if (agent_ == nullptr || over == RelayedOver::none) return;
    distrusted_.insert(over);
    raised_ = {};
    retire([over](const Rung& one) { return one.rung->settings().uri.over() == over; });
    if (over != RelayedOver::udp) return;
    for (const auto& [base, host] : hosts_) agent_->remove_base(base, Clock::now());
    hosts_.clear();
  }
  void trust_again() { distrusted_.clear(); }

  void abandon() {
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

  void concluded(const ice::PathInfo& path) {
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

  std::vector<RungReport> reports() const {
    auto all = retired_;
    for (const auto& rung : rungs_) {
      if (rung->rung->started()) all.push_back(rung->rung->report());
    }
    return all;
  }

  static Awaitable<void> close(std::shared_ptr<Body> self) {
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

  // ice::Output
  void send(const ice::Route& route, wire::Bytes bytes) {
    if (const auto host = hosts_.find(route.base); host != hosts_.end()) return host->second->send(route.remote, bytes);
    if (auto* rung = rung_of(route.base)) {
      rung->rung->send(route.remote, bytes);
      return;
    }
    if (settings_.misbehaviour.breaks(Rule::w08) && bytes.size() > 2) bytes = bytes.subspan(2);
    tcp_.send(route, bytes);
  }
  void deliver(wire::Bytes packet) {
    if (listener_ != nullptr) listener_->deliver(packet);
  }
  void connect(const ice::Route& route) { tcp_.connect(route); }
  void permit(ice::Base base, const Address& peer) {
    if (auto* rung = rung_of(base)) return rung->rung->permit(peer);
    boost::asio::post(executor_, [self = shared_from_this(), base, peer] {
      if (self->agent_ == nullptr) return;
      self->agent_->permission(base, peer, false, Clock::now());
      self->stir();
    });
  }

 private:
  struct Rung {
    std::unique_ptr<TurnRung> rung;
    Duration delay{0};
    ice::Base base = 0;  // while it has a relay
    bool retried = false;
  };

  Rung* rung_of(ice::Base base) {
    const auto found =
        std::find_if(rungs_.begin(), rungs_.end(), [&](const auto& one) { return one->base == base && base != 0; });
    return found == rungs_.end() ? nullptr : found->get();
  }
  Rung& rung_of(const TurnRung& rung) {
    return **std::find_if(rungs_.begin(), rungs_.end(), [&](const auto& one) { return one->rung.get() == &rung; });
  }
  bool owns(const TurnRung& rung) const {
    return std::any_of(rungs_.begin(), rungs_.end(), [&](const auto& one) { return one->rung.get() == &rung; });
  }

  std::vector<Address> offered_addresses() const {
    auto addresses = local_addresses(settings_.allow_loopback || settings_.misbehaviour.breaks(Rule::i01));
    std::erase_if(addresses, [&](const Address& one) {
      if (one.is_v6() && settings_.misbehaviour.breaks(Rule::w12)) return true;
      return !ice::is_offerable(one) && !ice::is_loopback(one);
    });
    if (addresses.size() > most_addresses) addresses.resize(most_addresses);
    return addresses;
  }

  void drop_gone(const std::vector<Address>& addresses) {
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

  void open_sockets(const std::vector<Address>& addresses) {
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

  void ask_reflexive() {
    if (hosts_.empty()) return;
    for (const auto& uri : reflexive_servers(settings_.servers)) {
      ++resolving_stun_;
      boost::asio::co_spawn(executor_, ask_reflexive(shared_from_this(), uri), boost::asio::detached);
    }
  }
  static Awaitable<void> ask_reflexive(std::shared_ptr<Body> self, IceUri uri) {
    const auto resolved = co_await self->resolver_.resolve(uri.host, Clock::now() + resolve_time);
    --self->resolving_stun_;
    for (const auto& address : resolved.addresses) {
      for (auto& [base, host] : self->hosts_) host->ask({address, uri.port});
    }
    self->wake_ladder();
  }

  void raise_ladder(const std::vector<Address>& addresses) {
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

  // Where a proxy is the way out, UDP is hardly ever another one: it is tried, and not waited for as long.
  static Awaitable<void> ask_route(std::shared_ptr<Body> self, IceUri uri, unsigned ladder) {
    if (self->over_) co_return;
    const auto limit = Clock::now() + self->settings_.head_start;
    const auto via = co_await self->dialer_.route(Purpose::turn, uri.host, uri.port, limit);
    if (self->ladder_ != ladder || via.kind == proxy::Server::Kind::direct) co_return;
    self->proxied_ = true;
    self->wake_ladder();
  }
  // A delay of the plan, which knows no proxies.
  Duration shortened(Duration delay) const {
    if (!proxied_ || settings_.head_start.count() == 0) return delay;
    return delay * std::min(settings_.proxied_head_start, settings_.head_start).count() / settings_.head_start.count();
  }

  // UDP has no connection that would say which address works: each one of the server's is a rung of its own (T-08).
  static Awaitable<void> find_udp_servers(std::shared_ptr<Body> self, PlannedRung planned,
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

  void add_rung(const PlannedRung& planned, const Address& from, std::optional<Address> server) {
    TurnRung::Settings settings{.uri = planned.uri,
                                .username = planned.username,
                                .credential = planned.credential,
                                .from = from,
                                .server = server,
                                .software = settings_.software,
                                .keep_trying = true,
                                .misbehaviour = settings_.misbehaviour};
    const auto name = planned.uri.host + "|" + (server ? to_string(*server) : std::string()) + "|" + planned.username;
    auto& record = records_.try_emplace(name, turn::AddressFamilies::both, settings_.misbehaviour).first->second;
    auto rung = std::make_unique<Rung>();
    rung->rung = std::make_unique<TurnRung>(executor_, std::move(settings), record, dialer_, resolver_, random_, *this);
    rung->delay = planned.delay;
    const auto later =
        std::find_if(rungs_.begin(), rungs_.end(), [&](const auto& other) { return other->delay > planned.delay; });
    rungs_.insert(later, std::move(rung));
  }

  // At once, but not more often than once a second.
  void raise_again() {
    again_.expires_at(std::max(Clock::now(), raised_ + Duration(1s)));
    again_.async_wait([self = shared_from_this()](Error error) {
      if (error || self->over_ || self->has_relay() || self->agent_ == nullptr) return;
      self->raise_ladder(self->offered_addresses());
    });
  }

  static bool decided(const Rung& rung) {
    using State = RungReport::State;
    return rung.rung->started() && rung.rung->report().state != State::trying;
  }
  bool has_relay() const {
    return std::any_of(rungs_.begin(), rungs_.end(), [](const auto& one) { return one->base != 0; });
  }

  // Begins each rung when its time has come, until there is a relay.
  static Awaitable<void> climb(std::shared_ptr<Body> self, unsigned ladder) {
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
        } else {
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
  void wake_ladder() {
    if (wake_ladder_) wake_ladder_->cancel();
    changed_.cancel();
  }

  // The agent hears of the end when everything is decided, or has taken too long.
  static Awaitable<void> watch(std::shared_ptr<Body> self) {
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

  // Takes rungs away: their allocations are deleted in their own time.
  template <class Which>
  void retire(Which which) {
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
  static Awaitable<void> finish(std::shared_ptr<Body> self, std::unique_ptr<Rung> rung) {
    co_await rung->rung->close();
    rung.reset();
    --self->closing_;
    self->changed_.cancel();
  }

  void stir() {
    if (listener_ != nullptr) listener_->stirred();
  }
  void stir_later() {
    boost::asio::post(executor_, [self = shared_from_this()] { self->stir(); });
  }

  // HostSocket::Listener
  void received(const ice::Route& route, wire::Bytes bytes) override {
    if (agent_ == nullptr) return;
    if (tcp_.knows(route.base)) {
      agent_->receive_stream(route, bytes, Clock::now());
    } else {
      agent_->receive(route, bytes, Clock::now());
    }
    stir();
  }
  void unreachable(const ice::Route& route) override {
    if (agent_ == nullptr) return;
    agent_->unreachable(route, Clock::now());
    stir();
  }
  void reflexive(ice::Base base, const Endpoint& local, const Endpoint& mapped, const Address& server) override {
    changed_.cancel();
    if (agent_ == nullptr || mapped == local) return;
    agent_->add_local({.base = base, .type = Type::srflx, .address = mapped, .related = local, .server = server},
                      Clock::now());
    stir();
  }

  // IceTcp::Listener
  bool connected(const ice::Route& route) override {
    if (agent_ == nullptr) return false;
    const bool taken = agent_->connected(route, Clock::now());
    stir();
    return taken;
  }
  void disconnected(const ice::Route& route) override {
    if (agent_ == nullptr) return;
    agent_->disconnected(route, Clock::now());
    stir();
  }

  // TurnRung::Listener
  void allocated(TurnRung& rung) override {
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
  // Of several relays that came at once the one of the best kind stays (U-03).
  void keep_best() {
    const auto over = [](const Rung& rung) { return rung.rung->settings().uri.over(); };
    const Rung* best = nullptr;
    for (const auto& rung : rungs_) {
      if (rung->base != 0 && (best == nullptr || over(*rung) < over(*best))) best = rung.get();
    }
    retire([&](const Rung& rung) { return &rung != best; });
  }
  void received(TurnRung& rung, const turn::PeerData& data) override {
    if (agent_ == nullptr || !owns(rung)) return;
    const auto base = rung_of(rung).base;
    if (base == 0) return;
    agent_->receive({base, data.peer}, data.payload, Clock::now());
    stir();
  }
  void permission(TurnRung& rung, const Address& peer, bool granted) override {
    if (agent_ == nullptr || !owns(rung) || rung_of(rung).base == 0) return;
    agent_->permission(rung_of(rung).base, peer, granted, Clock::now());
    stir();
  }
  void told(TurnRung& rung, const RungReport& report) override {
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

  boost::asio::any_io_executor executor_;
  Settings settings_;
  Dialer& dialer_;
  Resolver& resolver_;
  Random& random_;
  Gatherer::Listener* listener_;
  ice::Agent* agent_ = nullptr;
  ice::Base next_base_ = 0;
  std::map<ice::Base, std::unique_ptr<HostSocket>> hosts_;
  std::map<ice::Base, Address> tcp_bases_;
  IceTcp tcp_;
  std::map<std::string, turn::ServerRecord> records_;
  std::vector<std::unique_ptr<Rung>> rungs_;
  std::vector<RungReport> retired_;
  std::size_t resolving_ = 0;       // names of rungs
  std::size_t resolving_stun_ = 0;  // names of servers for reflexive addresses
  std::size_t closing_ = 0;
  unsigned ladder_ = 0;   // the latest; what belongs to an earlier one stops
  bool proxied_ = false;  // a proxy is the way to the servers of this ladder
  bool watching_ = false;
  bool over_ = false;
  boost::asio::steady_timer changed_;
  boost::asio::steady_timer unused_;
  boost::asio::steady_timer again_;
  Time raised_{};
  std::set<RelayedOver> distrusted_;
  std::optional<ice::Base> used_;  // after ICE has chosen: the relay of the path, 0 for a path without one
  std::optional<boost::asio::steady_timer> wake_ladder_;
};

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
