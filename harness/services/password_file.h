#pragma once

#include "harness/model/proxy.h"

#include <string>
#include <vector>

// Users and their passwords as programs keep them: never the password where its hash will do.
namespace crypelab::services {

// crypt(3) with SHA-256, "user:$5$...": Squid's basic_ncsa_auth. The salt comes from `context` and the user's name: the
// same scenario gives the same file.
std::string crypt_file(const std::vector<model::ProxyUser>& users, const std::string& context);
// RFC 7616 section 3.4.2, "user:realm:H(A1)" with MD5: Squid's digest_file_auth.
std::string digest_file(const std::vector<model::ProxyUser>& users, const std::string& realm);
// "user:NT hash" in hexadecimal (MS-NLMP section 3.3.1, NTOWFv1), for the NTLM helper. As good as the password for
// NTLM.
std::string nt_hash_file(const std::vector<model::ProxyUser>& users);

}  // namespace crypelab::services
