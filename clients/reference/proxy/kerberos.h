#pragma once

#include "clients/reference/time.h"
#include "clients/reference/transport/stream.h"
#include "harness/base/result.h"

#include <string>

namespace crypelab::client::proxy {

// A first Negotiate token (RFC 4559 §4) for the service HTTP at that host, in base64, with the machine's own ticket.
// The complaint is what the Kerberos library says. In a process of its own: the library waits for the KDC.
transport::Awaitable<Result<std::string>> kerberos_token(std::string host, Time deadline);

// The same, waiting.
Result<std::string> make_kerberos_token(const std::string& host);

}  // namespace crypelab::client::proxy
