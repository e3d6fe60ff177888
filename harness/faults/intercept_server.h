#pragma once

#include "harness/faults/intercept_settings.h"

#include <memory>

namespace crypelab::faults {

// Takes TCP connections that a rule has redirected to it, and stands between their two ends: TLS is opened, made anew
// towards the server, and shown to the client under a certificate like the server's, signed by another authority.
// Writes what it sees to the journal:
//   intercepted     client, server, sni, alpn, verdict ("opened", "exempt", "refused"), reason, issuer (of the server)
//   client-refused  client, server, sni, reason: the client did not take the certificate
//   inside          client, server, sni, what ("http", "stun", "other"), passed: the first bytes that the client said
//   closed          client, server, received, sent, milliseconds
class InterceptServer {
 public:
  InterceptServer(InterceptSettings settings, int journal);
  ~InterceptServer();
  InterceptServer(const InterceptServer&) = delete;
  InterceptServer& operator=(const InterceptServer&) = delete;
  void run();

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace crypelab::faults
