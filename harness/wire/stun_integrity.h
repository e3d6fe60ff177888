#pragma once

#include "harness/wire/stun_message.h"

namespace crypelab::wire {

enum class StunCheck { absent, valid, invalid };

// MESSAGE-INTEGRITY (RFC 8489 §14.5), over the raw bytes before it. `key`: stun_credentials.h.
StunCheck check_integrity(const StunMessage& message, Bytes key);

// MESSAGE-INTEGRITY-SHA256 (RFC 8489 §14.6). A value shorter than `smallest` is invalid; below 32 (16 to 28, a multiple
// of four) it permits truncation, which only a STUN usage that says so may do: neither TURN nor ICE does.
StunCheck check_integrity_sha256(const StunMessage& message, Bytes key, std::size_t smallest = 32);

// FINGERPRINT (RFC 8489 §14.7), which must be the last attribute.
StunCheck check_fingerprint(const StunMessage& message);

// The CRC-32 of ITU V.42, as FINGERPRINT, gzip and Ethernet use it.
std::uint32_t crc32(Bytes bytes);

inline constexpr std::uint32_t stun_fingerprint_mask = 0x5354554e;

}  // namespace crypelab::wire
