#pragma once

#include "clients/reference/ice/credentials.h"
#include "harness/wire/stun.h"

#include <array>

namespace crypelab::client::ice {

// The Binding messages of connectivity and consent checks (RFC 8445 §7, §16; RFC 7675 §5.1).

struct CheckRequest {
  std::uint32_t priority = 0;  // of the candidate that the peer would learn from it (§7.1.1)
  bool controlling = false;
  std::uint64_t tiebreaker = 0;
  bool use_candidate = false;
};

using CheckBuffer = std::array<std::uint8_t, 700>;  // room for two user fragments of 256 characters

// In `buffer`, valid as long as it. `to` is the peer, whose password is the key; `from` this agent.
wire::Bytes write_check(CheckBuffer& buffer, const wire::TransactionId& transaction, const CheckRequest& request,
                        const Credentials& from, const Credentials& to, const Misbehaviour& misbehaviour);
wire::Bytes write_check_success(CheckBuffer& buffer, const wire::TransactionId& transaction, const Endpoint& mapped,
                                const Credentials& own);
// Signed when `own` is given: a 400 or 401 has no key to be signed with.
wire::Bytes write_check_error(CheckBuffer& buffer, const wire::StunMessage& request, unsigned code,
                              const Credentials* own);
wire::Bytes write_keepalive(CheckBuffer& buffer, const wire::TransactionId& transaction);  // RFC 8445 §11

// What a check from the peer of `own` says. A code: answer with that error (RFC 8489 §9.1.3, §6.3.1); 0: no answer.
struct ReadCheck {
  bool good = false;
  unsigned code = 0;
  bool has_role = false;
  CheckRequest request;
};
ReadCheck read_check(const wire::StunMessage& message, const Credentials& own);
// The part of USERNAME before the colon: whom the check is meant for.
std::string_view addressee(const wire::StunMessage& request);

}  // namespace crypelab::client::ice
