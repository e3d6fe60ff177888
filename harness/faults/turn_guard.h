#pragma once

#include "harness/faults/turn_script.h"
#include "harness/wire/stun.h"
#include "harness/wire/stun_credentials.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace crypelab::faults {

// Whom a request comes from, once that is proven.
struct TurnAsker {
  std::string user;
  wire::HashValue key;
  bool sha256 = false;
};

// Who may use a TURN server: long-term and time-limited credentials (RFC 8489 section 9.2), with MD5 or SHA-256, and
// nonces that end.
class TurnGuard {
 public:
  // As TurnDesk's; `settings` must outlive it.
  TurnGuard(const TurnSettings& settings, std::string secret, std::chrono::seconds unix_start)
      : settings_(&settings), secret_(std::move(secret)), unix_start_(unix_start) {}

  // The asker, or the error code that the request deserves.
  std::variant<TurnAsker, unsigned> authenticate(const wire::StunMessage& request, Millis now) const;
  // Adds what a client needs to try again: realm, nonce, and the algorithms if any are announced.
  void challenge(wire::StunWriter& writer, Millis now) const;

 private:
  std::optional<std::string> password_of(const std::string& user, Millis now) const;
  std::string nonce(Millis now) const;
  bool nonce_is_good(std::string_view nonce, Millis now) const;

  const TurnSettings* settings_;
  std::string secret_;
  std::chrono::seconds unix_start_;
};

}  // namespace crypelab::faults
