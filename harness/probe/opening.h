#pragma once

#include "harness/base/measure.h"
#include "harness/wire/bytes.h"

#include <optional>
#include <vector>

// What goes ahead of the question on a TCP connection, so that who looks at first bytes (a gate) has something to
// judge.
namespace crypelab::probe {

// A ClientHello (RFC 8446 §4.1.2) in one record, with the name and the protocols of the question; the head of an HTTP
// request (RFC 9112 §3); nothing for STUN.
std::vector<std::uint8_t> opening_bytes(const measure::Reach& ask);

// How many bytes of `incoming` are such an opening, not looked at any further; 0: it begins otherwise. Nothing while
// that cannot be told yet.
std::optional<std::size_t> opening_size(wire::Bytes incoming);

inline constexpr std::size_t largest_opening = 4'096;

}  // namespace crypelab::probe
