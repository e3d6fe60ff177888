#pragma once

#include "clients/reference/stun/redirections.h"
#include "clients/reference/turn/refusal.h"

#include <map>

namespace crypelab::client::turn {

enum class AddressFamilies { v4, v6, both };

// What to do after a refused allocation.
struct NextStep {
  enum class Kind {
    new_port,         // at once from a fresh local port (437); also when a family or attribute was the trouble
    redirect,         // at once at `Refusal::redirect`, same transport and credentials
    other_transport,  // this rung is dead, the server may be reachable over another (408)
    wait,             // not before `not_before`
    never,            // tell the user or operator; leave the server alone (400, 401, 403, 441, 442 ...)
  };
  Kind kind = Kind::never;
  Time not_before{};
  AddressFamilies families = AddressFamilies::v4;  // to ask for
};

// The servers that had no room for an account, by their addresses: what one transport was told holds for all (RFC 8656
// §7.4).
class FullServers {
 public:
  void add(const Address& server, Time until);
  // When it may be asked again; long ago for one that was never full.
  Time free_from(const Address& server) const;

 private:
  std::map<Address, Time> until_;
};

// What is remembered of one TURN server over several allocations, all transports together (RFC 8656 §7.4). Ask
// `may_ask` before each Allocate and `after` when one was refused.
class ServerRecord {
 public:
  static constexpr Duration pause_after_mismatches = 2min;  // 437: three ports, then two minutes
  static constexpr Duration pause_when_full = 1min;         // 486, 508: at least one minute
  static constexpr unsigned most_mismatches = 3;

  // `full`: shared by the records of one account.
  ServerRecord(AddressFamilies families, Misbehaviour misbehaviour, FullServers* full = nullptr)
      : families_(families), misbehaviour_(misbehaviour), full_(full) {}

  // When the server may be asked again: now, later, or nothing for never.
  std::optional<Time> may_ask(Time now) const;
  // The same of one address of the server, where that is known: another record of it may have learnt that it is full.
  Time free_from(const Address& server) const { return full_ != nullptr ? full_->free_from(server) : Time{}; }
  // `server` is where the refused request went.
  NextStep after(const Refusal& refusal, const Endpoint& server, Time now);
  // An allocation was granted.
  void granted() { mismatches_ = 0; }
  // What may still be asked for: families that were refused are gone (440).
  AddressFamilies families() const { return families_; }
  // Whether to ask for channels: a server that refused one as out of step may refuse them all, and data pass without.
  bool channels() const { return channels_; }

 private:
  NextStep wait(Time until);
  NextStep leave_full(const Address& server, Time until);

  AddressFamilies families_;
  Misbehaviour misbehaviour_;
  FullServers* full_;
  stun::Redirections redirections_;
  unsigned mismatches_ = 0;
  bool closed_ = false;
  bool channels_ = true;
  Time not_before_{};
};

}  // namespace crypelab::client::turn
