#pragma once

#include "clients/signaling/desk.h"
#include "clients/signaling/tls_stream.h"

#include <boost/asio/awaitable.hpp>

namespace crypelab::signaling {

// One accepted connection, from the TLS handshake over HTTP requests to the end of a WebSocket.
boost::asio::awaitable<void> serve(Desk& desk, SSL_CTX& context, TlsStream::Socket socket);

}  // namespace crypelab::signaling
