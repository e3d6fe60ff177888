#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crypelab::client::transport {

// What a client reports when something does not work: the codes of the contract, in its words.
enum class Problem : std::uint8_t {
  proxy_auth_required,     // the proxy wants credentials and there are none
  proxy_auth_failed,       // it refuses those that there are
  proxy_auth_unsupported,  // it knows no scheme that this client can answer with what it has
  proxy_connect_denied,    // it refuses this target
  proxy_unreachable,       // no connection to it, or it cannot do its work (502, 503, 504)
  proxy_tls_untrusted,     // its own certificate
  turn_tls_untrusted,      // somebody's certificate that is not the TURN server's
  turn_tls_blocked,        // the connection stands and TLS over it does not
  turn_auth_failed,
  turn_quota,
  turn_unreachable,
  dns_failed,
  sig_blocked,
  sig_tls_untrusted,
  captive_portal,  // somebody answers with a page of his own
  ice_no_path,
};
inline constexpr std::size_t problem_count = static_cast<std::size_t>(Problem::ice_no_path) + 1;

std::string_view name_of(Problem problem);  // "PROXY_AUTH_REQUIRED"

// Without any secret.
struct Trouble {
  Problem code = Problem::turn_unreachable;
  std::string detail;  // names host, address and port, and what was seen
};

}  // namespace crypelab::client::transport
