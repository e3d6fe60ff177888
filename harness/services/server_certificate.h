#pragma once

#include "harness/model/server_certificate.h"
#include "harness/services/process.h"

#include <string>
#include <vector>

namespace crypelab::services {

// "{dir}/FILE.crt" and "{dir}/FILE.key" of a server with those names, good or with the one fault that the scenario
// wants; `another` is what it is called when the name is wrong.
Certificate server_certificate(const std::string& file, std::vector<std::string> names, const std::string& another,
                               model::ServerCertificate kind, model::ServerKey key);

}  // namespace crypelab::services
