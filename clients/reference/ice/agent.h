#pragma once

#include "clients/reference/ice/check_message.h"
#include "clients/reference/ice/checklist.h"
#include "clients/reference/ice/consent.h"
#include "clients/reference/stun/retransmission.h"
#include "harness/wire/turn_frame.h"

#include <map>
#include <set>

namespace crypelab::client::ice {

enum class State {
  idle,  // no remote credentials yet
  checking,
  connected,     // a pair is selected: `Agent::send` works
  disconnected,  // consent is doubtful or the connection broke; data is still sent while consent lasts. Restart now
  failed,        // no pair works, never before the PAC timer (RFC 8863); or consent is lost: restart, or give up
};

// A path as the W3C's RTCIceCandidatePairStats tell it.
struct PathInfo {
  wire::IceCandidate local;
  wire::IceCandidate remote;
  RelayedOver over = RelayedOver::none;  // of the local candidate
  Duration rtt{0};                       // of the check that found it
};

struct Event {
  enum class Kind {
    candidate,          // tell the peer about `candidate`, with `Agent::credentials().ufrag`
    end_of_candidates,  // tell the peer that there are no more
    state,              // `Agent::state` changed to `state`
    selected,           // `path`; at most once between restarts while controlling
    peer_moved,         // the peer's checks come from an address that was not seen before: its NAT rebound. Restart
  };
  Kind kind = Kind::state;
  wire::IceCandidate candidate;
  State state = State::idle;
  PathInfo path;
};

// What was tried, for the diagnosis of a call that does not connect (RFC 8445 knows only "failed").
struct Tally {
  std::size_t remote_candidates = 0;
  std::size_t ignored_candidates = 0;  // names (mDNS), other components, floods, other generations
  std::size_t checks_sent = 0;         // transactions
  std::size_t answers = 0;             // authentic ones
  std::size_t requests = 0;            // authentic checks of the peer
  std::size_t unreachable = 0;         // pairs that ICMP or TCP refused
  std::size_t not_permitted = 0;       // pairs that the TURN server refused
};

// A full ICE agent (RFC 8445) for one component, with trickling (RFC 8838), patience (RFC 8863), consent (RFC 7675),
// restarts, and TCP candidates (RFC 6544, framed by RFC 4571). It nominates regularly: once, when the best pair that
// works is known or has been waited for long enough.
//
// The owner gathers: for every socket, server-reflexive and relayed address `add_local`, then `end_local`. It signals
// what `poll` gives, hands in what the peer signals and what the sockets receive, wakes the agent at `next`, and does
// what Output asks for. After each call: `poll` until it gives nothing.
class Agent {
 public:
  struct Settings {
    bool controlling = false;
    bool relay_only = false;        // RTCIceTransportPolicy "relay": other candidates are neither told nor used
    bool allow_loopback = false;    // for tests on one machine
    Duration ta = 20ms;             // RFC 8445 §14.2: as proposed to the peer
    stun::Timing timing;            // of checks over UDP; the RTO grows with their number (§14.3)
    Duration patience = 39'500ms;   // the PAC timer, RFC 8863 §4
    std::size_t most_pairs = 100;   // RFC 8445 §6.1.2.5
    std::size_t most_remote = 128;  // candidates taken from the peer
    // What a better pair is waited for once one works: three round trips of that one, and Ta for each check that was
    // not sent yet, within these bounds. A first check that a NAT drops because the other side has not spoken yet is
    // repeated after 500 ms only: who prefers a direct path to a fast start sets `shortest_settle` to 700 ms.
    Duration shortest_settle = 50ms;
    Duration longest_settle = 1'000ms;
    Duration keepalive = 15s;  // Tr, §11
    Misbehaviour misbehaviour;
  };
  static constexpr std::size_t most_streams = 64;
  static constexpr Duration default_ta = 50ms;  // of a peer that proposes none, RFC 8445 §14.2

  Agent(Settings settings, Random& random, Output& out);

  const Credentials& credentials() const { return own_; }
  Duration pacing() const { return settings_.ta; }
  bool controlling() const { return controlling_; }
  State state() const { return state_; }
  const Tally& tally() const { return tally_; }
  const Checklist& checklist() const { return checklist_; }
  std::optional<Event> poll();
  void wake(Time now);
  std::optional<Time> next() const;

  // False when the policy, or RFC 8445 §5.1.1.1, keeps it from being used. Of each base the candidate that is its own
  // address comes first.
  bool add_local(LocalCandidate candidate, Time now);
  void end_local(Time now);
  // The socket, allocation or listener is gone.
  void remove_base(Base base, Time now);

  // The peer's credentials, once for each generation, and the pacing that it proposes: the slower one holds. False when
  // they are malformed.
  bool set_remote(const Credentials& peer, Time now, Duration ta = default_ta);
  // Before or after set_remote. False when it is ignored: a name, another component, one too many ...
  bool add_remote(const wire::IceCandidate& candidate, Time now);
  void end_remote(Time now);

  // A datagram that came from `route.remote`, on a UDP or relayed base.
  void receive(const Route& route, wire::Bytes datagram, Time now);
  // Bytes of a TCP connection, in any segments.
  void receive_stream(const Route& route, wire::Bytes bytes, Time now);
  // A TCP connection stands: asked for by Output::connect, or accepted by a listener. False: refuse it, there are too
  // many.
  bool connected(const Route& route, Time now);
  void disconnected(const Route& route, Time now);
  // A hard ICMP error came back for this route (RFC 8445 §7.2.5.2.2).
  void unreachable(const Route& route, Time now);
  void permission(Base base, const Address& peer, bool granted, Time now);

  // Sends on the selected pair. False when there is none, consent is lost, or the connection is down.
  bool send(wire::Bytes packet, Time now);

  // What should come over the path all the time has stopped: the path is taken for disconnected until consent is
  // answered, or another one is selected.
  void doubt();

  // New credentials and a new check list (RFC 8445 §9): signal them and the candidates, which are told again. Data goes
  // on over the old pair until a new one is selected, if it still has consent. Also when the peer restarts. More
  // candidates may come: `end_local` is due again.
  void restart(Time now);

 private:
  struct Check {
    wire::TransactionId transaction{};
    std::uint32_t pair = 0;
    Route route;
    std::vector<std::uint8_t> bytes;
    stun::Retransmission retransmission;
    Time sent;
    bool nominating = false;
    bool controlling = false;
    bool cancelled = false;  // not repeated; its answer still counts (§7.3.1.4)
  };
  struct Stream {
    wire::LengthStream in;
    bool up = false;
    Time since;
  };
  struct Path {
    Route route;
    Credentials own;
    Credentials peer;
    Consent consent;
    std::uint32_t pair = 0;      // 0: of an earlier generation
    std::uint32_t priority = 0;  // to be told in consent checks
    std::uint64_t pair_priority = 0;
    Time reconnect{};  // when to open a lost connection again
    bool broken = false;
  };
  struct Early {
    Route route;
    CheckRequest request;
  };
  enum class Permit { asked, granted, refused };

  // agent.cc: candidates and pairs
  void describe(const LocalCandidate& candidate);
  std::string foundation(const LocalCandidate& candidate);
  void make_unique(LocalCandidate& candidate) const;
  bool usable(const wire::IceCandidate& candidate) const;
  void pair_up(const LocalCandidate& local, const RemoteCandidate& remote, Time now);
  void ask_permission(CandidatePair& pair);
  const LocalCandidate* local_for(const Route& route) const;
  wire::IceCandidate described(const LocalCandidate& candidate) const;
  PathInfo info(const CandidatePair& pair) const;

  // agent_checks.cc: what goes out and what is answered
  void send_packet(const Route& route, wire::Bytes packet);
  void begin_check(CandidatePair& pair, Time now);
  void transmit_check(CandidatePair& pair, Time now);
  void ask_consent(Time now);
  void take_packet(const Route& route, wire::Bytes packet, Time now);
  void take_request(const Route& route, const wire::StunMessage& message, Time now);
  void take_answer(const Route& route, const wire::StunMessage& message, Time now);
  void take_success(Check check, CandidatePair& pair, const wire::StunMessage& message, Time now);
  void take_role_conflict(const Check& check, CandidatePair& pair, Time now);
  bool resolve_roles(const Route& route, const wire::StunMessage& message, const CheckRequest& request, Time now);
  void learn(const Route& route, const CheckRequest& request, Time now);
  void fail(CandidatePair& pair, Time now);
  void forget_oldest_reflexive(const Route& route);
  void cancel_checks(std::uint32_t pair);
  void change_role(bool controlling, Time now);

  // agent_time.cc: what happens when
  void pace(Time now);
  void retransmit(Time now);
  void nominate(Time now);
  std::optional<Time> nomination_due() const;
  void select(CandidatePair& pair, Time now);
  bool watches_path() const;
  void watch_path(Time now);
  void keep_alive(Time now);
  std::optional<Time> keepalive_due() const;
  void give_up(Time now);
  bool hopeless() const;
  void set_state(State state);
  bool selected_now() const { return path_ && path_->pair != 0; }

  Settings settings_;
  Random& random_;
  Output& out_;
  bool controlling_;
  std::uint64_t tiebreaker_;
  Credentials own_;
  std::optional<Credentials> peer_;
  Duration ta_ = default_ta;
  State state_ = State::idle;
  Tally tally_;
  std::vector<Event> events_;
  std::size_t next_event_ = 0;

  std::vector<LocalCandidate> locals_;
  std::vector<RemoteCandidate> remotes_;
  std::vector<wire::IceCandidate> waiting_remotes_;  // until set_remote
  unsigned last_foundation_ = 0;
  bool local_ended_ = false;
  bool remote_ended_ = false;
  std::map<std::pair<Base, Address>, Permit> permits_;
  std::map<Route, Stream> streams_;
  std::vector<Early> early_;  // checks that came before set_remote

  Checklist checklist_;
  std::vector<Check> checks_;
  Time next_pace_{};
  Time patience_ends_{};
  std::optional<Time> first_valid_;
  std::uint32_t nominated_ = 0;
  bool nomination_failed_ = false;
  std::optional<Path> path_;
  bool consent_lost_ = false;
  std::vector<std::uint8_t> frame_;
};

}  // namespace crypelab::client::ice
