#pragma once

#include "harness/base/result.h"
#include "harness/wire/bytes.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

// The messages of NTLM (MS-NLMP section 2.2.1) as far as a server needs them that knows NT hashes, and NTLMv2
// (section 3.3.2). Nothing of signing, sealing or key exchange: over HTTP there is nothing to sign.
namespace crypelab::wire {

using NtHash = std::array<std::uint8_t, 16>;        // NTOWFv1: MD4 of the password in UTF-16LE
using NtlmChallenge = std::array<std::uint8_t, 8>;  // fresh and unguessable

enum class NtlmMessage { negotiate = 1, challenge = 2, authenticate = 3 };
// Which message it is: at least its signature and type are there.
Result<NtlmMessage> ntlm_message(Bytes message);

// A CHALLENGE_MESSAGE in Unicode for that domain and server, both of ASCII. Without a time stamp: clients then send no
// MIC.
std::vector<std::uint8_t> ntlm_challenge(const NtlmChallenge& challenge, const std::string& domain,
                                         const std::string& server);

// What counts of an AUTHENTICATE_MESSAGE. Names that are not ASCII have "?" in those places.
struct NtlmAuthenticate {
  std::string user;
  std::string domain;
  std::vector<std::uint8_t> response;  // the NtChallengeResponse
};
Result<NtlmAuthenticate> parse_ntlm_authenticate(Bytes message);

NtHash nt_hash(const std::string& password);  // of ASCII
// NTOWFv2: `user` and `domain` as they stand in the message, of ASCII.
NtHash ntlmv2_key(const NtHash& hash, const std::string& user, const std::string& domain);
// Whether the response is the one of NTLMv2 that this key gives; false also for responses of NTLM and LM.
bool verify_ntlmv2(const NtHash& key, const NtlmChallenge& challenge, Bytes response);

}  // namespace crypelab::wire
