// Reads any text as challenges, credentials and an ALPN field; what reads must survive being written and read again.
#include "harness/wire/alpn_header.h"
#include "harness/wire/base64.h"
#include "harness/wire/http_digest.h"

#include <cstdlib>

using namespace crypelab::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(Bytes(data, size));
  const auto challenges = parse_challenges(text);
  if (challenges) {
    for (const auto& one : *challenges) {
      if (one.scheme.empty() || (!one.token68.empty() && !one.parameters.empty())) std::abort();
      if (const auto basic = parse_basic(one)) {
        const auto written = basic_credentials(*basic);
        if (!written || *parse_basic(*parse_credentials(*written)) != *basic) std::abort();
      }
      if (const auto digest = parse_digest_challenge(one)) {
        const auto again = parse_challenges(to_text(*digest));
        if (!again || again->size() != 1 || !parse_digest_challenge(again->front())) std::abort();
        const auto answer = to_text(answer_digest(*digest, "alice", "secret", "CONNECT", "a.test:443", "c", 1));
        const auto credentials = parse_digest_credentials(*parse_credentials(answer));
        if (!credentials || !verify_digest(*credentials, "alice", "secret", "CONNECT")) std::abort();
      }
      if (const auto credentials = parse_digest_credentials(one)) {
        if (verify_digest(*credentials, "alice", "unguessable", "CONNECT")) std::abort();
        if (!parse_digest_credentials(*parse_credentials(to_text(*credentials)))) std::abort();
      }
    }
  }
  if (const auto identifiers = parse_alpn_header(text)) {
    if (*parse_alpn_header(alpn_header(*identifiers)) != *identifiers) std::abort();
  }
  if (const auto bytes = from_base64(text)) {
    if (to_base64(*bytes) != text) std::abort();
  }
  return 0;
}
