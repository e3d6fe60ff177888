#include "clients/reference/transport/rung_trouble.h"

#include <fmt/format.h>

namespace crypelab::client::transport {

using Reason = turn::Refusal::Reason;

namespace {

Problem problem_of(const turn::Refusal& refusal, const IceUri& uri, const SilentEnd& end) {
  switch (refusal.reason) {
    case Reason::credentials:
    case Reason::wrong_credentials:
    case Reason::forbidden:
    case Reason::integrity:
    case Reason::bid_down:
      return Problem::turn_auth_failed;
    case Reason::quota:
    case Reason::capacity:
      return Problem::turn_quota;
    case Reason::unreachable:
    case Reason::transport_lost:
      // A TLS connection that stands and carries nothing is not the server's doing.
      if (uri.over() == RelayedOver::tls && !end.answered) return Problem::turn_tls_blocked;
      return end.page ? Problem::captive_portal : Problem::turn_unreachable;
    default:
      return Problem::turn_unreachable;
  }
}

}  // namespace

Trouble trouble_of(const turn::Refusal& refusal, const IceUri& uri, const std::string& where, const SilentEnd& end) {
  std::string what(turn::name_of(refusal.reason));
  if (refusal.code != 0) what += fmt::format(" {}", refusal.code);
  auto detail = refusal.detail.substr(0, 200);
  if (!end.fault.empty()) detail = end.page ? "a web page came in place of TURN" : end.fault;
  return {problem_of(refusal, uri, end),
          fmt::format("{} at {}: {}{}{}", to_string(uri), where, what, detail.empty() ? "" : ": ", detail)};
}

}  // namespace crypelab::client::transport
