#pragma once

#include "harness/gate/policy.h"
#include "harness/wire/client_hello.h"
#include "harness/wire/http_head.h"

#include <string>
#include <vector>

namespace crypelab::gate {

// The beginning of what one side says on a connection, judged by a policy as early as the bytes allow. Keeps what it
// has seen, some 32 kB and one segment at most, so that a retransmission can be compared.
class FirstBytes {
 public:
  enum class State { more, pass, refuse };

  explicit FirstBytes(const Policy& policy) : policy_(&policy) {}

  // Once the state is not `more` nothing is looked at any more.
  State feed(wire::Bytes arrived);
  State state() const { return state_; }
  const std::vector<std::uint8_t>& seen() const { return seen_; }

  // Why, in words for a person: "a TLS ClientHello for turns.crype.test", "not TLS: ...".
  const std::string& reason() const { return reason_; }
  // Of a whole hello, or nullptr.
  const wire::ClientHello* hello() const;

 private:
  void look_at_tls();
  void look_at_http();
  State stop(State state, std::string reason);

  const Policy* policy_;
  State state_ = State::more;
  std::string reason_;
  std::vector<std::uint8_t> seen_;
  wire::ClientHelloParser tls_;
  wire::HttpRequestParser http_;
};

// What bytes that should not be there look like: "STUN", "SSH", "HTTP", "TLS", or empty. A guess, for the log.
std::string_view looks_like(wire::Bytes first);

}  // namespace crypelab::gate
