#pragma once

#include <string>

namespace crypelab::lab {

// A TLS ClientHello (RFC 8446 section 4.1.2) that asks for `server_name`, as it goes over the wire. A server of TLS
// answers it with a handshake record, whose first byte is kHandshake (section 5.1).
std::string tls_hello(const std::string& server_name);
inline constexpr unsigned char kHandshake = 22;

}  // namespace crypelab::lab
