#pragma once

#include "harness/wire/bytes.h"
#include "harness/wire/http_head.h"

#include <string>
#include <string_view>

namespace crypelab::faults {

// The beginning of what a client says inside TLS that was opened: HTTP or something else, decided as early as the bytes
// allow. Keeps at most the head of one request.
class InnerBytes {
 public:
  enum class State { more, http, other };

  // Once the state is not `more` nothing is looked at any more.
  State feed(std::string_view arrived);
  State state() const { return state_; }
  // What it looks like so far: "http", "stun" (RFC 8489 section 5: the magic cookie), "other".
  std::string_view kind() const;

 private:
  std::string seen_;
  wire::HttpRequestParser http_;
  State state_ = State::more;
};

}  // namespace crypelab::faults
