#pragma once

#include "clients/reference/ice/priority.h"
#include "clients/reference/ice/route.h"
#include "clients/reference/misbehaviour.h"
#include "clients/reference/time.h"

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace crypelab::client::ice {

// One of this agent's candidates. Those with equal `base` share a socket; checks leave from it.
struct LocalCandidate {
  Base base = 0;
  wire::IceCandidate::Type type = wire::IceCandidate::Type::host;
  wire::IceCandidate::Transport transport = wire::IceCandidate::Transport::udp;
  std::optional<wire::IceCandidate::TcpType> tcp_type;
  Endpoint address;               // as the peer sees it; of a relay the relayed address
  Endpoint related;               // what it was derived from: the socket, or the mapped address for a relay
  std::optional<Address> server;  // that told it, for foundations (RFC 8445 §5.1.1.3)
  RelayedOver over = RelayedOver::none;
  std::uint16_t preference = 65535;  // local preference: see fair_preferences; made unique by the agent
  std::uint32_t priority = 0;        // set by the agent
  std::string foundation;            // set by the agent
};

struct RemoteCandidate {
  wire::IceCandidate::Type type = wire::IceCandidate::Type::host;
  wire::IceCandidate::Transport transport = wire::IceCandidate::Transport::udp;
  std::optional<wire::IceCandidate::TcpType> tcp_type;
  Endpoint address;
  std::uint32_t priority = 0;
  std::string foundation;
};

struct CandidatePair {
  enum class State { frozen, waiting, in_progress, succeeded, failed };
  std::uint32_t id = 0;
  LocalCandidate local;  // copies: pairs are few and outlive candidates
  RemoteCandidate remote;
  Route route;
  State state = State::frozen;
  std::uint64_t priority = 0;
  bool permitted = true;             // relayed: the TURN permission is there
  bool nominate_on_success = false;  // the controlling peer has chosen it (RFC 8445 §7.3.1.5)
  bool nominated = false;
  std::optional<Endpoint> mapped;  // how the peer saw this end
  Duration rtt{0};
  Time last_sent{};

  bool is_tcp() const { return local.transport == wire::IceCandidate::Transport::tcp; }
  bool valid() const { return state == State::succeeded; }
};

// The check list of one component (RFC 8445 §6.1.2, RFC 8838 §12): pairs, their states, and which is checked next.
class Checklist {
 public:
  using State = CandidatePair::State;

  explicit Checklist(std::size_t most) : most_(most) {}

  // The pair, new or known. Nothing when the candidates do not go together (transport, family, TCP directions,
  // RFC 6544 §6.2), a pair of higher priority has the same route, or the list is full of better ones.
  CandidatePair* add(const LocalCandidate& local, const RemoteCandidate& remote, bool controlling);
  // For a check that came in on this route: also pairs that may not send first, such as passive TCP.
  CandidatePair* add_received(const LocalCandidate& local, const RemoteCandidate& remote, bool controlling);
  CandidatePair* find(std::uint32_t id);
  CandidatePair* find(const Route& route);
  std::vector<CandidatePair>& pairs() { return pairs_; }
  const std::vector<CandidatePair>& pairs() const { return pairs_; }
  void erase(std::uint32_t id);
  void clear();

  // The role changed: priorities are computed anew (RFC 8445 §7.3.1.1).
  void reprioritize(bool controlling);
  // The pair succeeded: frozen ones of the same foundation are ready (§7.2.5.3.3).
  void succeeded(CandidatePair& pair);
  void trigger(CandidatePair& pair);
  bool triggered(std::uint32_t id) const;

  // Which pair to check now (§6.1.4.2): triggered ones first, but after four of them one of the others: two NATs that
  // map anew for every port make each check trigger the next for ever, and a relay would never get its turn. Then then
  // the best waiting, then a frozen one of a foundation that nothing else is under way for.
  CandidatePair* take_next();
  bool has_next() const;
  std::size_t count(State state) const;
  CandidatePair* best_valid();
  // No more checks but what is under way (§8.1.2).
  void stop();

 private:
  CandidatePair* insert(const LocalCandidate& local, const RemoteCandidate& remote, bool controlling);
  bool make_room(std::uint64_t priority);
  const CandidatePair* peek() const;

  static constexpr unsigned most_triggered_in_a_row = 4;
  std::size_t most_;
  unsigned triggered_in_a_row_ = 0;
  std::uint32_t last_ = 0;
  std::vector<CandidatePair> pairs_;
  std::deque<std::uint32_t> triggered_;
};

}  // namespace crypelab::client::ice
