#pragma once

#include "harness/wire/stun_types.h"

#include <optional>
#include <string>
#include <string_view>

namespace crypelab::probe {

// A STUN transaction id as 24 hexadecimal digits: what a packet is recognised by on both sides.
std::string token_text(const wire::TransactionId& transaction);
std::optional<wire::TransactionId> parse_token(std::string_view text);

}  // namespace crypelab::probe
