#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

namespace crypelab::client::transport {

struct FreeTlsContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTlsContext>;

// For connections to servers: TLS 1.2 or newer, no compression, forward secrecy first (RFC 8489 §6.2.3), certificates
// checked against the authorities in the PEM file `trust` (empty: the machine's own). Secrets go to the file that
// SSLKEYLOGFILE names, as with curl and NSS. Throws Failure{data} when `trust` holds no certificate.
TlsContext client_context(const std::string& trust);

}  // namespace crypelab::client::transport
