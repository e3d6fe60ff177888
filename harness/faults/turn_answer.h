#pragma once

#include "harness/faults/turn_guard.h"
#include "harness/faults/turn_script.h"
#include "harness/wire/stun.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace crypelab::faults {

// A message under construction, and how it ends: in `writer` goes what it says, finish() adds what proves it, or what
// the script wants in its place.
class TurnAnswer {
 public:
  TurnAnswer(wire::StunClass message_class, const wire::StunMessage& request)
      : writer(buffer_, message_class, request.method(), request.transaction()) {}
  TurnAnswer(const TurnAnswer&) = delete;
  TurnAnswer& operator=(const TurnAnswer&) = delete;

  // The whole message, which lives as long as this. `asker`: whose key it is signed with, if anybody's.
  wire::Bytes finish(const TurnAct& act, const TurnAsker* asker);

 private:
  std::array<std::uint8_t, 2048> buffer_{};

 public:
  wire::StunWriter writer;
};

// The reason phrase of RFC 8489 section 14.8 or RFC 8656 section 19 for an error code.
std::string_view turn_error_reason(unsigned code);

}  // namespace crypelab::faults
