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

// What one server said to an account over one transport, and what holds for more than that.
class AccountRecord {
 public:
  // It has no room for the account, over no transport (RFC 8656 §7.4).
  void add_full(const Address& server, Time until);
  // When it may be asked again; long ago for one that was never full.
  Time free_from(const Address& server) const;
  // A server that is out of step (§12.3) may refuse every channel, and so may those beside it: data pass without any.
  void do_without_channels() { channels_ = false; }
  bool channels() const { return channels_; }

 private:
  std::map<Address, Time> full_until_;
  bool channels_ = true;
};

// What is remembered of one TURN server over several allocations, all transports together (RFC 8656 §7.4). Ask
// `may_ask` before each Allocate and `after` when one was refused.
class ServerRecord {
 public:
  static constexpr Duration pause_after_mismatches = 2min;  // 437: three ports, then two minutes
  static constexpr Duration pause_when_full = 1min;         // 486, 508: at least one minute
  static constexpr unsigned most_mismatches = 3;

  // `account`: shared by the records of its servers.
  ServerRecord(AddressFamilies families, Misbehaviour misbehaviour, AccountRecord* account = nullptr)
      : families_(families), misbehaviour_(misbehaviour), account_(account) {}

  // When the server may be asked again: now, later, or nothing for never.
  std::optional<Time> may_ask(Time now) const;
  // The same of one address of the server, where that is known: another record of it may have learnt that it is full.
  Time free_from(const Address& server) const { return account_ != nullptr ? account_->free_from(server) : Time{}; }
  // `server` is where the refused request went.
  NextStep after(const Refusal& refusal, const Endpoint& server, Time now);
  // An allocation was granted.
  void granted() { mismatches_ = 0; }
  // What may still be asked for: families that were refused are gone (440).
  AddressFamilies families() const { return families_; }
  // Whether channels may be asked for.
  bool channels() const { return account_ == nullptr || account_->channels(); }

 private:
  NextStep wait(Time until);
  NextStep leave_full(const Address& server, Time until);

  AddressFamilies families_;
  Misbehaviour misbehaviour_;
  AccountRecord* account_;
  stun::Redirections redirections_;
  unsigned mismatches_ = 0;
  bool closed_ = false;
  Time not_before_{};
};

}  // namespace crypelab::client::turn
