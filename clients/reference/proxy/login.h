#pragma once

#include "clients/reference/misbehaviour.h"
#include "harness/wire/http_digest.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::client::proxy {

// Who this client is to proxies.
struct Account {
  enum class Kind {
    none,
    given,    // user and password
    ambient,  // the machine's own: a Kerberos ticket
    prompt,   // a user would be asked, and nobody answers
  } kind = Kind::none;
  std::string user;
  std::string password;
  bool operator==(const Account&) const = default;
};

enum class Scheme { basic, ntlm, digest, negotiate };  // weakest first
std::string_view name_of(Scheme scheme);

// One challenge that can be answered.
struct Chosen {
  Scheme scheme = Scheme::basic;
  wire::DigestChallenge digest;
};

// Of the challenges of one 407 those that this account can answer, strongest first (RFC 9110 §11.4, RFC 7616 §5.6; of
// several Digests the strongest algorithm). Unknown schemes and algorithms are passed over.
std::vector<Chosen> answerable(const std::vector<wire::HttpAuth>& challenges, const Account& account,
                               const Misbehaviour& misbehaviour);

// What is known of one proxy, and shared by all tunnels through it: how it wants to be shown credentials, and whether
// it refused them.
struct Login {
  // What worked: later tunnels do so unasked. `nonce_count` counts the uses of Digest's nonce.
  std::optional<Chosen> known;
  std::uint32_t nonce_count = 0;
  // Schemes whose credentials were refused: not shown again (lock-out, CRYPE P-24).
  std::vector<Scheme> refused;
  bool rejected = false;  // so were all that it offered
};

}  // namespace crypelab::client::proxy
