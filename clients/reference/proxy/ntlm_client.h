#pragma once

#include "clients/reference/random.h"
#include "harness/base/result.h"
#include "harness/wire/bytes.h"

#include <string>
#include <vector>

// The client's half of NTLM over HTTP (MS-NLMP sections 2.2.1, 3.3.2; MS-NTHT): NTLMv2 in Unicode, without signing.
namespace crypelab::client::proxy {

std::vector<std::uint8_t> ntlm_negotiate();

// The answer to a CHALLENGE_MESSAGE. `user` may be "DOMAIN\user"; otherwise the domain is the server's. `file_time`:
// 100 ns since 1601, used when the server tells no time of its own.
Result<std::vector<std::uint8_t>> ntlm_authenticate(wire::Bytes challenge, const std::string& user,
                                                    const std::string& password, std::uint64_t file_time,
                                                    Random& random);

}  // namespace crypelab::client::proxy
