#pragma once

#include "clients/reference/misbehaviour.h"
#include "clients/reference/stun/requester.h"

#include <map>

namespace crypelab::client::stun {

// Which servers were asked of late, so that two of them cannot send a client back and forth (RFC 8489 §10: a server
// asked in the last five minutes is not followed to). One for each purpose and transport; at most 64 are remembered.
class Redirections {
 public:
  static constexpr Duration memory = 5min;

  // A request goes to this server now.
  void asked(const Endpoint& server, Time now);
  // Whether to follow; if not, the transaction has failed.
  bool may_follow(const Redirect& redirect, Time now, const Misbehaviour& misbehaviour) const;

 private:
  std::map<Endpoint, Time> asked_;
};

}  // namespace crypelab::client::stun
