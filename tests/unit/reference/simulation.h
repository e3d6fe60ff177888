#pragma once

#include "clients/reference/ice/agent.h"
#include "clients/reference/stun/server_binding.h"
#include "clients/reference/turn/allocation.h"
#include "seeded_random.h"
#include "turn_server_model.h"

#include <functional>
#include <memory>
#include <queue>

namespace crypelab::client {

// RFC 4787 §4.1 and §5, as in a scenario.
enum class Dependence { none, endpoint_independent, address, address_and_port };

struct SiteSettings {
  Dependence mapping = Dependence::none;  // none: no NAT, public addresses
  Dependence filtering = Dependence::none;
  bool udp = true;           // false: no datagram leaves or enters
  bool reject = false;       // what may not leave comes back as an ICMP error
  bool udp_to_peers = true;  // false: datagrams reach the TURN server only
  bool turn = true;          // has a TURN account
  bool tcp_peers = false;    // offers ICE-TCP candidates
  bool relay_only = false;
  bool v6 = false;  // has IPv6 too, never translated
  Duration settle = 50ms;
  Duration pacing = 20ms;  // as it proposes it
  Misbehaviour misbehaviour;
};

struct PathSettings {
  double loss = 0;
  double duplicates = 0;
  Duration delay = 10ms;  // one way
  Duration jitter = 5ms;  // reorders
};

class Simulation;

// One client: an agent with its sockets, server binding, allocations and signaling, and the site's NAT.
class SimulatedPeer final : public ice::Output {
 public:
  SimulatedPeer(Simulation& world, std::uint64_t seed, unsigned number, SiteSettings site, bool controlling);
  void gather(Time now);
  void wake(Time now);
  void pump(Time now);
  std::optional<Time> next() const;
  void signal(std::function<void(SimulatedPeer&, Time)> message);
  void restart(Time now);
  void answer();  // tells the peer what it needs to begin its checks

  // A datagram that arrived at the site's border; false: filtered.
  bool arrive(const Datagram& in, Time now);
  bool owns(const Endpoint& to) const;
  void turn_stream_arrive(const std::vector<std::uint8_t>& bytes, Time now);

  void send(const ice::Route& route, wire::Bytes bytes) override;
  void deliver(wire::Bytes packet) override;
  void connect(const ice::Route& route) override;
  void permit(ice::Base base, const Address& peer) override;

  SiteSettings site;
  SeededRandom random;
  ice::Agent agent;
  std::optional<ice::PathInfo> selected;
  std::optional<Time> connected_at;
  std::optional<Time> failed_at;
  std::optional<Time> last_data_sent;
  unsigned selections = 0;
  unsigned received = 0;
  bool sends_data = true;
  bool auto_restart = false;
  unsigned peer_moves = 0;
  std::vector<wire::IceCandidate> told;
  std::set<ice::Route> nominated;                     // routes that USE-CANDIDATE was sent on since the last restart
  std::set<ice::Route> data_routes;                   // since the last selection
  std::size_t unpermitted_relays = 0;                 // packets that the allocation would not take
  std::vector<std::pair<Time, ice::Route>> requests;  // Binding requests that went out

  static constexpr ice::Base udp_base = 1, relay_udp = 2, relay_tcp = 3, tcp_active = 4, tcp_passive = 5, udp6_base = 6;

 private:
  class ToServer final : public stun::Output {
   public:
    ToServer(SimulatedPeer& owner, int kind) : owner_(owner), kind_(kind) {}
    void send(wire::Bytes message) override;

   private:
    SimulatedPeer& owner_;
    int kind_;
  };
  void datagram(const Endpoint& from, const Endpoint& to, wire::Bytes bytes);
  void take_allocation(turn::Allocation& allocation, ice::Base base, ice::RelayedOver over, Time now);
  Endpoint map(const Endpoint& inside, const Endpoint& to);

  Simulation& world_;
  unsigned number_;
  ToServer binding_out_{*this, 0};
  ToServer turn_udp_out_{*this, 1};
  ToServer turn_tcp_out_{*this, 2};
  Endpoint host_;
  Endpoint host6_;
  Endpoint turn_socket_;
  Address outside_;
  std::optional<stun::ServerBinding> binding_;
  std::optional<turn::Allocation> turn_udp_;
  std::optional<turn::Allocation> turn_tcp_;
  wire::TurnStream turn_stream_;
  bool binding_told_ = false;
  bool ended_ = false;
  int open_gatherings_ = 0;
  Time next_data_{};
  std::map<std::pair<Endpoint, Endpoint>, Endpoint> mappings_;
  std::set<std::pair<Endpoint, Endpoint>> spoken_;  // external port, remote: for filtering
  std::uint16_t next_port_ = 20000;
};

// Two clients, a TURN server and the network between them on a clock of its own. Everything follows from the seed.
class Simulation {
 public:
  Simulation(std::uint64_t seed, SiteSettings a, SiteSettings b, PathSettings path = {});

  // Runs until the fact holds (true), or until the time is over.
  bool run(
      Duration time, const std::function<bool()>& fact = [] { return false; });
  bool both_connected() const { return a->connected_at && b->connected_at; }
  SimulatedPeer& other(const SimulatedPeer& peer) { return &peer == a.get() ? *b : *a; }

  void transmit(Datagram datagram);  // with external addresses, subject to the path
  void later(Duration after, std::function<void(Time)> action);
  void stream(bool reliable_order_key, Duration after, std::function<void(Time)> action);

  SeededRandom random;
  PathSettings path;
  bool cut = false;         // everything between the peers, relays included
  bool cut_direct = false;  // only what does not go through the TURN server
  Time start = Time(1h);
  Time now = start;
  TurnServerModel udp_server{{}};
  TurnServerModel tcp_server;
  std::unique_ptr<SimulatedPeer> a;
  std::unique_ptr<SimulatedPeer> b;
  std::map<std::pair<Endpoint, Endpoint>, bool> connections;  // open direct TCP connections
  Time tcp_clock{};                                           // streams never overtake themselves

 private:
  void arrive(const Datagram& datagram, Time at);
  struct Action {
    Time at;
    std::uint64_t order;
    std::function<void(Time)> run;
    bool operator<(const Action& o) const { return at != o.at ? at > o.at : order > o.order; }
  };
  std::priority_queue<Action> queue_;
  std::uint64_t order_ = 0;
};

}  // namespace crypelab::client
