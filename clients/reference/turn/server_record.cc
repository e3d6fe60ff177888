#include "clients/reference/turn/server_record.h"

#include <algorithm>

namespace crypelab::client::turn {

using Kind = NextStep::Kind;

void AccountRecord::add_full(const Address& server, Time until) {
  constexpr std::size_t most = 64;  // redirections may name any number of them
  if (server == Address() || (full_until_.size() == most && !full_until_.contains(server)))
    return;  // behind a proxy: unknown
  auto& known = full_until_[server];
  known = std::max(known, until);
}

Time AccountRecord::free_from(const Address& server) const {
  const auto found = full_until_.find(server);
  return found == full_until_.end() ? Time{} : found->second;
}

std::optional<Time> ServerRecord::may_ask(Time now) const {
  if (closed_) return std::nullopt;
  return std::max(now, not_before_);
}

NextStep ServerRecord::wait(Time until) {
  not_before_ = std::max(not_before_, until);
  return {Kind::wait, not_before_, families_};
}

NextStep ServerRecord::leave_full(const Address& server, Time until) {
  if (account_ != nullptr) account_->add_full(server, until);
  return wait(until);
}

NextStep ServerRecord::after(const Refusal& refusal, const Endpoint& server, Time now) {
  redirections_.asked(server, now);
  switch (refusal.reason) {
    case Refusal::Reason::mismatch:
      if (misbehaviour_.breaks(Rule::u09)) return {Kind::new_port, now, families_};
      if (++mismatches_ < most_mismatches) return {Kind::new_port, now, families_};
      mismatches_ = 0;
      return wait(now + pause_after_mismatches);
    case Refusal::Reason::quota:
      return leave_full(server.address, now + (misbehaviour_.breaks(Rule::u11) ? Duration(1s) : pause_when_full));
    case Refusal::Reason::capacity:
      return leave_full(server.address, now + (misbehaviour_.breaks(Rule::u12) ? Duration(1s) : pause_when_full));
    case Refusal::Reason::redirect:
      if (refusal.redirect && redirections_.may_follow(*refusal.redirect, now, misbehaviour_)) {
        return {Kind::redirect, now, families_};
      }
      return wait(now + stun::Redirections::memory);
    case Refusal::Reason::family:
      if (misbehaviour_.breaks(Rule::u10)) return {Kind::new_port, now, families_};
      // IPv4 is what a server can refuse outright when both are asked for, or the one family that was named.
      if (families_ == AddressFamilies::both) {
        families_ = AddressFamilies::v6;
        return {Kind::new_port, now, families_};
      }
      break;
    case Refusal::Reason::credentials:
    case Refusal::Reason::wrong_credentials:
      if (misbehaviour_.breaks(Rule::u07)) return wait(now + 1s);
      break;
    case Refusal::Reason::forbidden:
      if (misbehaviour_.breaks(Rule::u08)) return wait(now + 1s);
      break;
    case Refusal::Reason::unreachable:
    case Refusal::Reason::transport_lost:
      return {Kind::other_transport, now, families_};
    case Refusal::Reason::out_of_step:
      if (account_ != nullptr) account_->do_without_channels();
      return wait(now + 1s);
    case Refusal::Reason::server_error:
    case Refusal::Reason::expired:
      return wait(now + 1s);
    case Refusal::Reason::bad_request:
    case Refusal::Reason::unsupported:
    case Refusal::Reason::integrity:
    case Refusal::Reason::bid_down:
    case Refusal::Reason::malformed:
      break;
  }
  // Integrity and bid-down are the path's doing as much as the server's, and asking again would only repeat them.
  closed_ = true;
  return {Kind::never, now, families_};
}

}  // namespace crypelab::client::turn
