#pragma once

#include "harness/base/result.h"
#include "harness/wire/http_head.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// HTTP authentication (RFC 9110 §11): WWW-Authenticate, Proxy-Authenticate, Authorization, Proxy-Authorization; the
// Basic scheme (RFC 7617). Digest: http_digest.h.

namespace crypelab::wire {

// A challenge, or credentials: a scheme with either a token68 or parameters, or with nothing (RFC 9110 §11.3, §11.4).
struct HttpAuth {
  std::string scheme;                                           // as sent
  std::string token68;                                          // for Basic, NTLM, Negotiate
  std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case, values without quoting

  bool is(std::string_view other_scheme) const;  // without regard to case
  std::optional<std::string_view> find(std::string_view name) const;
};

// The challenges of one field, which may hold several; the comma separates both challenges and parameters.
Result<std::vector<HttpAuth>> parse_challenges(std::string_view field);
// Those of every field of that name, in order. A malformed field is left out: the others may hold what the client
// knows.
std::vector<HttpAuth> challenges_of(const HttpFields& fields, std::string_view name);
// Authorization or Proxy-Authorization: exactly one.
Result<HttpAuth> parse_credentials(std::string_view field);

// `text` as a quoted-string (RFC 9110 §5.6.4). Control characters, which none can hold, become spaces.
std::string quoted(std::string_view text);

struct BasicCredentials {
  std::string user;
  std::string password;
  bool operator==(const BasicCredentials&) const = default;
};
// "Basic dGVzdDoxMjPCow==". Refused: a colon in the user name, control characters (RFC 7617 §2). UTF-8 as it is.
Result<std::string> basic_credentials(const BasicCredentials& credentials);
Result<BasicCredentials> parse_basic(const HttpAuth& credentials);

}  // namespace crypelab::wire
