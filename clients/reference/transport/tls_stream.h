#pragma once

#include "clients/reference/misbehaviour.h"
#include "clients/reference/transport/stream.h"
#include "clients/reference/transport/tls_context.h"

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace crypelab::client::transport {

// Whom TLS is spoken with.
struct TlsWish {
  std::string name;               // for SNI (unless it is an address) and the certificate
  std::vector<std::string> also;  // other names that the certificate may have instead (RFC 8489 §10)
  std::vector<std::string> alpn;  // empty: no ALPN
};

struct TlsFault {
  enum class Kind {
    untrusted,  // a certificate that does not lead to a trusted authority, has another name, is over ...
    refused,    // an alert
    closed,     // the connection ended or was reset in the middle
    not_tls,    // other bytes came
    page,       // and these are a web page
  } kind = Kind::closed;
  std::string detail;
};

struct TlsOpened {
  std::unique_ptr<Stream> stream;
  std::string protocol;  // chosen by ALPN, or empty
};

// The handshake, certificate and name included (RFC 8489 §6.2.3): not a byte of the application's goes before it is
// over. `verify` false is a misbehaviour.
Awaitable<std::variant<TlsOpened, TlsFault>> open_tls(std::unique_ptr<Stream> below, SSL_CTX& context, TlsWish wish,
                                                      Misbehaviour misbehaviour);

}  // namespace crypelab::client::transport
