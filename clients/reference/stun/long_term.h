#pragma once

#include "clients/reference/misbehaviour.h"
#include "harness/wire/stun.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::client::stun {

// One account with one server, and what the server said of how to prove it: realm, nonce, password algorithms (RFC 8489
// §9.2). The password is never given back.
class LongTerm {
 public:
  // Complains about strings that have no OpaqueString form (RFC 8265 §4.2).
  static Result<LongTerm> create(std::string_view username, std::string_view password);

  // Whether requests can carry credentials: the server has told realm and nonce.
  bool challenged() const { return !nonce_.empty(); }
  const std::string& username() const { return username_; }
  const std::string& realm() const { return realm_; }

  // User, realm, nonce, algorithms and integrity; only FINGERPRINT may follow. After `challenged`.
  void sign(wire::StunWriter& request, const Misbehaviour& misbehaviour) const;

  enum class Challenge {
    retry,         // realm, nonce or algorithm are new: the request is worth a new transaction
    refused,       // nothing would change: the server does not accept the credentials (§9.2.5: MUST NOT retry)
    bid_down,      // the nonce announces algorithms, the list is not there (§9.2.5: MUST NOT retry)
    no_algorithm,  // none of the list is known here
    malformed,     // no realm or no nonce
  };
  // A 401 or 438 answer to a request that was or was not signed with what was known before.
  Challenge take(const wire::StunMessage& answer, bool was_signed, const Misbehaviour& misbehaviour);

  // Whether an answer to a signed request has the integrity that it must have (§9.2.5).
  bool authentic(const wire::StunMessage& answer) const;

 private:
  LongTerm() = default;
  void derive();

  std::string username_;
  std::string password_;
  std::string realm_;
  std::string nonce_;
  std::vector<std::uint8_t> offered_;                 // PASSWORD-ALGORITHMS as it came, to be echoed
  std::optional<wire::PasswordAlgorithm> algorithm_;  // chosen from it: integrity is then SHA-256 (§9.2.5)
  bool anonymous_ = false;                            // USERHASH in place of USERNAME
  wire::HashValue key_;
  wire::HashValue md5_key_;
};

}  // namespace crypelab::client::stun
