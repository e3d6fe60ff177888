#pragma once

#include "harness/base/result.h"
#include "harness/wire/ice_candidate.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::wire {

// a=fingerprint (RFC 8122 §5).
struct SdpFingerprint {
  std::string algorithm;  // "sha-256", in lower case
  std::vector<std::uint8_t> digest;
  bool operator==(const SdpFingerprint&) const = default;
};

// a=setup (RFC 4145 §4, RFC 8842 §5.2): who opens the DTLS association.
enum class SdpSetup { actpass, active, passive };

// What an offer or answer says about its data channel section (RFC 8866, RFC 8839, RFC 8841, RFC 8842).
struct SdpDescription {
  static constexpr std::uint64_t kPacing = 50;

  std::uint64_t session_id = 0;  // o=, below 2^63
  std::uint64_t session_version = 0;
  std::string mid = "0";  // RFC 5888 §4
  std::string ice_ufrag;
  std::string ice_pwd;
  bool ice_lite = false;
  bool trickle = true;                 // RFC 8840 §4.1.1
  std::uint64_t ice_pacing = kPacing;  // milliseconds between checks, RFC 8839 §5.5: this when absent
  std::vector<SdpFingerprint> fingerprints;
  SdpSetup setup = SdpSetup::actpass;
  std::uint16_t sctp_port = 5000;
  std::uint64_t max_message_size = 65'536;  // RFC 8841 §6.1: this when absent; 0 is without limit
  std::vector<IceCandidate> candidates;
  std::size_t ignored_candidates = 0;  // malformed, or of a transport or type that is not known
  bool end_of_candidates = false;      // RFC 8840 §8.2
  bool bundled = true;                 // the section is in a=group:BUNDLE (RFC 9143)
};

inline constexpr std::size_t largest_sdp = 65'536;
inline constexpr std::size_t most_sdp_candidates = 256;

// Reads the first data channel section that was not rejected; attributes of the session hold for it where it has none
// of its own. Other sections and unknown attributes are skipped. A complaint beyond the limits above, and where ICE
// credentials, fingerprint or setup are missing or malformed.
Result<SdpDescription> parse_sdp(std::string_view text);

// One session with one data channel section, lines ending in CRLF. The values are written as they are.
std::string to_text(const SdpDescription& description);

std::string_view name_of(SdpSetup setup);

}  // namespace crypelab::wire
