#pragma once

#include "harness/faults/journal.h"
#include "harness/faults/turn_guard.h"
#include "harness/faults/turn_script.h"
#include "harness/wire/stun.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace crypelab::faults {

// Where a client's bytes come from: the 5-tuple.
struct TurnPath {
  enum class Transport { udp, tcp, tls } transport = Transport::udp;
  Endpoint server;
  Endpoint client;
  auto operator<=>(const TurnPath&) const = default;
};

// What the desk asks of whoever has the sockets.
class TurnEdge {
 public:
  // A whole message; on a stream ChannelData comes padded already.
  virtual void send(const TurnPath& to, wire::Bytes message, Millis delay) = 0;
  // A new relayed address for the client of that path, or nothing.
  virtual std::optional<Endpoint> open_relay(const TurnPath& path, Family family) = 0;
  virtual void close_relay(const TurnPath& path) = 0;
  virtual void relay(const TurnPath& from, const Endpoint& peer, wire::Bytes payload) = 0;

 protected:
  ~TurnEdge() = default;
};

// A TURN server (RFC 8656) that does what it is told to do wrong, and the rest right: allocations over UDP,
// permissions, channels, Send and Data, long-term and time-limited credentials with MD5 or SHA-256. It has neither
// clock nor socket, forgets everything of its clients when their time is over, and holds a bounded number of
// allocations. Never for throughput. It tells the journal of every request and answer, every allocation and what it
// relayed first.
class TurnDesk {
 public:
  // `settings`, `edge` and `journal` must outlive it. `secret` makes nonces; `unix_start` is the time since 1970 at
  // Millis(0), by which the names of time-limited users are judged.
  TurnDesk(const TurnSettings& settings, TurnEdge& edge, Journal& journal, std::string secret,
           std::chrono::seconds unix_start);

  // One STUN or ChannelData message from a client; what is neither is ignored.
  void from_client(const TurnPath& path, wire::Bytes message, Millis now);
  void from_peer(const TurnPath& path, const Endpoint& peer, wire::Bytes payload, Millis now);
  // The client's connection has ended: its allocation goes with it (RFC 8656 section 3.1).
  void gone(const TurnPath& path);
  // Ends what has expired. To be called now and then.
  void expire(Millis now);

  std::size_t allocations() const { return allocations_.size(); }

 private:
  struct Allocation {
    std::int64_t session = 0;
    wire::TransactionId transaction{};  // that asked for it
    std::string user;
    Endpoint relay;
    Millis until{0};
    std::map<Address, Millis> permissions;                          // until when
    std::map<std::uint16_t, std::pair<Endpoint, Millis>> channels;  // number: peer, until when
  };

  void request(const TurnPath& path, const wire::StunMessage& message, Millis now);
  void proceed(const TurnPath& path, const wire::StunMessage& request, const TurnAsker& asker, const TurnAct& act,
               Millis now);
  unsigned allocate(const TurnPath& path, const wire::StunMessage& request, const TurnAsker& asker, const TurnAct& act,
                    Millis now);
  unsigned refresh(const TurnPath& path, const wire::StunMessage& request, const TurnAct& act, Millis now,
                   std::uint32_t& granted);
  unsigned permit(Allocation& allocation, const wire::StunMessage& request, Millis now);
  unsigned bind_channel(Allocation& allocation, const wire::StunMessage& request, Millis now);
  void refuse(const TurnPath& path, const wire::StunMessage& request, unsigned code, const TurnAsker* asker,
              const TurnAct& act, Millis now);
  void relay_to_peer(const TurnPath& path, const Endpoint& peer, wire::Bytes payload, Millis now);
  void drop(const Allocation& allocation, const Endpoint& peer, std::string_view from);
  void deliver(const TurnPath& path, const Allocation& allocation, const Endpoint& peer, wire::Bytes payload);
  void report(const TurnPath& path, const wire::StunMessage& request, const std::string& user, unsigned code,
              bool silent);
  void remove(std::map<TurnPath, Allocation>::iterator allocation, std::string_view why);

  const TurnSettings* settings_;
  TurnEdge* edge_;
  Journal* journal_;
  TurnGuard guard_;
  std::string secret_;  // for the numbers of indications
  TurnScript script_;
  std::map<TurnPath, Allocation> allocations_;
  std::int64_t sessions_ = 0;
};

}  // namespace crypelab::faults
