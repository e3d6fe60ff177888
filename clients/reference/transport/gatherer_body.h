#pragma once

#include "clients/reference/transport/gatherer.h"
#include "clients/reference/transport/host_socket.h"
#include "clients/reference/transport/ice_tcp.h"
#include "clients/reference/transport/ladder.h"

#include <functional>
#include <map>
#include <set>

#include <boost/asio/steady_timer.hpp>

namespace crypelab::client::transport {

// What a gatherer is made of. It lives until the last of its coroutines has ended.
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

  void start(ice::Agent& agent);

  void gather();

  void change_servers(std::vector<IceServer> servers);

  void distrust(RelayedOver over);
  void trust_again() { distrusted_.clear(); }

  void abandon();

  void concluded(const ice::PathInfo& path);

  std::vector<RungReport> reports() const;

  static Awaitable<void> close(std::shared_ptr<Body> self);

  // ice::Output
  void send(const ice::Route& route, wire::Bytes bytes);
  void deliver(wire::Bytes packet);
  void connect(const ice::Route& route) { tcp_.connect(route); }
  void permit(ice::Base base, const Address& peer);

 private:
  struct Rung {
    std::unique_ptr<TurnRung> rung;
    Duration delay{0};
    ice::Base base = 0;  // while it has a relay
    bool retried = false;
  };

  Rung* rung_of(ice::Base base);
  Rung& rung_of(const TurnRung& rung);
  bool owns(const TurnRung& rung) const;

  std::vector<Address> offered_addresses() const;

  void drop_gone(const std::vector<Address>& addresses);

  void open_sockets(const std::vector<Address>& addresses);

  void ask_reflexive();
  static Awaitable<void> ask_reflexive(std::shared_ptr<Body> self, IceUri uri);

  void raise_ladder(const std::vector<Address>& addresses);

  // Where a proxy is the way out, UDP is hardly ever another one: it is tried, and not waited for as long.
  static Awaitable<void> ask_route(std::shared_ptr<Body> self, IceUri uri, unsigned ladder);
  // A delay of the plan, which knows no proxies.
  Duration shortened(Duration delay) const;

  // UDP has no connection that would say which address works: each one of the server's is a rung of its own (T-08).
  static Awaitable<void> find_udp_servers(std::shared_ptr<Body> self, PlannedRung planned,
                                          std::vector<Address> addresses, unsigned ladder);

  void add_rung(const PlannedRung& planned, const Address& from, std::optional<Address> server);

  // At once, but not more often than once a second.
  void raise_again();

  static bool decided(const Rung& rung);
  bool has_relay() const;

  // Begins each rung when its time has come, until there is a relay.
  static Awaitable<void> climb(std::shared_ptr<Body> self, unsigned ladder);
  void wake_ladder();

  // The agent hears of the end when everything is decided, or has taken too long.
  static Awaitable<void> watch(std::shared_ptr<Body> self);

  // Takes rungs away: their allocations are deleted in their own time.
  void retire(const std::function<bool(const Rung&)>& which);
  static Awaitable<void> finish(std::shared_ptr<Body> self, std::unique_ptr<Rung> rung);

  void stir();
  void stir_later();

  // HostSocket::Listener
  void received(const ice::Route& route, wire::Bytes bytes) override;
  void unreachable(const ice::Route& route) override;
  void reflexive(ice::Base base, const Endpoint& local, const Endpoint& mapped, const Address& server) override;

  // IceTcp::Listener
  bool connected(const ice::Route& route) override;
  void disconnected(const ice::Route& route) override;

  // TurnRung::Listener
  void allocated(TurnRung& rung) override;
  // Of several relays that came at once the one of the best kind stays (U-03).
  void keep_best();
  void received(TurnRung& rung, const turn::PeerData& data) override;
  void permission(TurnRung& rung, const Address& peer, bool granted) override;
  void told(TurnRung& rung, const RungReport& report) override;

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
  std::map<std::string, turn::AccountRecord> accounts_;  // by user names
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

inline Address any_of(Family family) { return family == Family::v6 ? Address::v6({}) : Address(); }

}  // namespace crypelab::client::transport
