#pragma once

#include "harness/wire/http_auth.h"

#include <cstdint>

// The Digest scheme (RFC 7616) with qop "auth", or without qop as RFC 2069 had it. Pure: nonces and client nonces are
// the caller's.

namespace crypelab::wire {

enum class DigestAlgorithm { md5, md5_sess, sha256, sha256_sess, sha512_256, sha512_256_sess };

std::optional<DigestAlgorithm> digest_algorithm(std::string_view name);  // without regard to case
std::string_view name_of(DigestAlgorithm algorithm);

// RFC 7616 §3.3.
struct DigestChallenge {
  std::string realm;
  std::string nonce;
  std::optional<std::string> opaque;
  DigestAlgorithm algorithm = DigestAlgorithm::md5;
  bool algorithm_named = false;  // absent means MD5, and is then left out of the answer
  bool qop_auth = false;         // without it the answer has neither cnonce nor nc
  bool stale = false;
  bool userhash = false;
  bool utf8 = false;
};
// A complaint for a challenge that a client must leave alone (§3.3): no nonce or realm, an unknown algorithm, a qop
// without "auth". `domain` is ignored, as it must be for proxies.
Result<DigestChallenge> parse_digest_challenge(const HttpAuth& challenge);
std::string to_text(const DigestChallenge& challenge);

// RFC 7616 §3.4.
struct DigestCredentials {
  std::string username;  // the hash of §3.4.4 when `userhash`
  std::string realm;
  std::string nonce;
  std::string uri;  // for CONNECT host:port
  std::string response;
  DigestAlgorithm algorithm = DigestAlgorithm::md5;
  bool algorithm_named = false;
  std::optional<std::string> opaque;
  bool qop_auth = false;
  std::string cnonce;
  std::uint32_t nc = 0;
  bool userhash = false;
};
Result<DigestCredentials> parse_digest_credentials(const HttpAuth& credentials);
std::string to_text(const DigestCredentials& credentials);

// The answer to a challenge. `nc` counts the requests with this nonce, from 1; `cnonce` is fresh and unguessable.
DigestCredentials answer_digest(const DigestChallenge& challenge, std::string_view user, std::string_view password,
                                std::string_view method, std::string_view uri, std::string_view cnonce,
                                std::uint32_t nc);

// Whether the response is the one that this user's password gives. It does not judge nonce, nc, realm or uri: a server
// compares those with what it sent and with the request.
bool verify_digest(const DigestCredentials& credentials, std::string_view user, std::string_view password,
                   std::string_view method);

// H(user ":" realm), what `username` holds when userhash is true (§3.4.4).
std::string digest_userhash(DigestAlgorithm algorithm, std::string_view user, std::string_view realm);

}  // namespace crypelab::wire
