#pragma once

#include "harness/faults/proxy_settings.h"
#include "harness/wire/http_auth.h"
#include "harness/wire/http_head.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace crypelab::faults {

enum class Verdict {
  free,         // nobody is asked
  absent,       // no Proxy-Authorization
  accepted,     //
  wrong,        // no such user, or another password
  stale,        // right, but for a nonce that has become old
  expired,      // right, but the session is over: once, and the next is a new one
  unsupported,  // a scheme or an algorithm that was only offered, or not even that
  malformed,
};
std::string_view to_string(Verdict verdict);

// What a request said about who sends it.
struct Presented {
  Verdict verdict = Verdict::absent;
  std::string scheme;             // as sent
  std::string user;               // only one that exists
  std::string algorithm;          // of Digest
  std::int64_t nc = 0;            // of Digest with qop
  std::optional<Millis> expires;  // of an accepted one: when its session ends
};

// Asks who comes, with Basic (RFC 7617) and Digest (RFC 7616; MD5, SHA-256, SHA-512-256). Neither clock nor socket:
// `now` counts from the start of the program.
class ProxyGuard {
 public:
  // `settings` must outlive it. `secret` is what nonces are sealed with.
  ProxyGuard(const ProxySettings& settings, std::string secret);

  // `client` is an address: sessions are those of a user there.
  Presented judge(const wire::HttpRequestHead& request, const std::string& client, Millis now);
  // The values of the Proxy-Authenticate fields.
  std::vector<std::string> challenges(bool stale, Millis now) const;

 private:
  Presented judge_basic(const wire::HttpAuth& credentials) const;
  Presented judge_digest(const wire::HttpAuth& credentials, const wire::HttpRequestHead& request, Millis now) const;
  void judge_session(Presented& presented, const std::string& client, Millis now);
  std::string nonce(Millis made) const;
  bool offers(std::string_view scheme, std::string_view algorithm) const;

  const ProxySettings* settings_;
  std::string secret_;
  std::map<std::pair<std::string, std::string>, Millis> sessions_;  // client, user: since when
};

}  // namespace crypelab::faults
