#pragma once

#include "harness/base/result.h"
#include "harness/wire/digest.h"
#include "harness/wire/stun_attributes.h"

#include <optional>
#include <string>
#include <string_view>

namespace crypelab::wire {

// The OpaqueString profile (RFC 8265 §4.2) of a user name, realm or password in UTF-8: other spaces become U+0020;
// empty, malformed UTF-8, control characters, and the invisible and non-characters that FreeformClass forbids are
// refused. Not done, for it needs the Unicode tables: normalisation to NFC, and refusing unassigned code points and old
// Hangul jamo. Text that is already in NFC, as every keyboard gives it, comes out right.
Result<std::string> opaque_string(std::string_view text);

// A long-term key (RFC 8489 §9.2.2, §18.5): the digest of username ":" realm ":" password, 16 bytes (MD5) or 32
// (SHA-256). The caller passes strings prepared with opaque_string. MD5 for an algorithm of another value.
HashValue long_term_key(PasswordAlgorithm algorithm, std::string_view username, std::string_view realm,
                        std::string_view password);

// USERHASH (RFC 8489 §14.4); strings prepared as above.
HashValue userhash(std::string_view username, std::string_view realm);

// The key of the short-term mechanism is the prepared password itself (RFC 8489 §9.1.1).
inline Bytes short_term_key(std::string_view password) { return bytes_of(password); }

// What a nonce says about its server (RFC 8489 §9.2, §18.1; bit 0 is the least significant one, erratum 6290).
struct StunSecurityFeatures {
  bool password_algorithms = false;  // bit 0
  bool username_anonymity = false;   // bit 1
};
// Nothing when the nonce does not begin with the nonce cookie and four base64 characters.
std::optional<StunSecurityFeatures> security_features(std::string_view nonce);
// The 13 characters that such a nonce begins with.
std::string nonce_cookie(StunSecurityFeatures features);

}  // namespace crypelab::wire
