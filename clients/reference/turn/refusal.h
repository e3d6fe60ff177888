#pragma once

#include "clients/reference/stun/requester.h"

#include <optional>
#include <string>
#include <string_view>

namespace crypelab::client::turn {

// Why a TURN server gave nothing, or nothing any more (RFC 8656 §7.4, §5). What to do about it: ServerRecord.
struct Refusal {
  enum class Reason {
    unreachable,        // 408, or no answer: another transport may do
    transport_lost,     // the connection failed, or was reset or closed
    bad_request,        // 400
    credentials,        // 401 in spite of credentials
    wrong_credentials,  // 441: the allocation is another user's
    forbidden,          // 403
    mismatch,           // 437: to Allocate, the 5-tuple is taken; later, the allocation is gone
    family,             // 440
    unsupported,        // 442, 420: a transport or an attribute that the server does not know
    quota,              // 486
    capacity,           // 508
    redirect,           // 300: see `redirect`
    integrity,          // answers that are not the server's
    bid_down,           // somebody took the password algorithms away
    server_error,       // 5xx again and again
    malformed,          // an answer that is none
    out_of_step,        // 400 to ChannelBind: client and server disagree about channels (§12.3)
    expired,            // not refreshed in time
  };
  Reason reason = Reason::unreachable;
  unsigned code = 0;   // of STUN, 0 when there was none
  std::string detail;  // for people; the server's words among it
  std::optional<stun::Redirect> redirect;
};

Refusal refusal_of(const stun::Completion& completion);
std::string_view name_of(Refusal::Reason reason);

}  // namespace crypelab::client::turn
