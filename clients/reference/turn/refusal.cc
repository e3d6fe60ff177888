#include "clients/reference/turn/refusal.h"

#include <array>

namespace crypelab::client::turn {
namespace {

using Reason = Refusal::Reason;

Reason reason_of_code(unsigned code) {
  switch (code) {
    case 400:
      return Reason::bad_request;
    case 401:
      return Reason::credentials;
    case 403:
      return Reason::forbidden;
    case 408:
      return Reason::unreachable;
    case 420:
      return Reason::unsupported;
    case 437:
      return Reason::mismatch;
    case 438:
      return Reason::credentials;
    case 440:
      return Reason::family;
    case 441:
      return Reason::wrong_credentials;
    case 442:
      return Reason::unsupported;
    case 443:
      return Reason::family;
    case 486:
      return Reason::quota;
    case 508:
      return Reason::capacity;
    default:
      return code >= 500 && code < 600 ? Reason::server_error : Reason::bad_request;
  }
}

Reason reason_of(const stun::Completion& completion) {
  switch (completion.result) {
    case stun::Completion::Result::success:
      return Reason::malformed;
    case stun::Completion::Result::error:
      return reason_of_code(completion.code);
    case stun::Completion::Result::redirect:
      return Reason::redirect;
    case stun::Completion::Result::timeout:
      return Reason::unreachable;
    case stun::Completion::Result::integrity:
      return Reason::integrity;
    case stun::Completion::Result::credentials:
      return Reason::credentials;
    case stun::Completion::Result::bid_down:
      return Reason::bid_down;
    case stun::Completion::Result::malformed:
      return Reason::malformed;
    case stun::Completion::Result::transport_lost:
      return Reason::transport_lost;
  }
  return Reason::malformed;
}

constexpr std::array<std::string_view, 18> names{
    "unreachable", "transport-lost", "bad-request",  "credentials", "wrong-credentials", "forbidden",
    "mismatch",    "family",         "unsupported",  "quota",       "capacity",          "redirect",
    "integrity",   "bid-down",       "server-error", "malformed",   "out-of-step",       "expired"};

}  // namespace

Refusal refusal_of(const stun::Completion& completion) {
  return {reason_of(completion), completion.code, completion.reason, completion.redirect};
}

std::string_view name_of(Refusal::Reason reason) { return names[static_cast<std::size_t>(reason)]; }

}  // namespace crypelab::client::turn
