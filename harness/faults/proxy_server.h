#pragma once

#include "harness/faults/proxy_settings.h"

#include <memory>

namespace crypelab::faults {

// An HTTP/1.1 CONNECT proxy that does what its settings say. What it sees goes to `journal` (a descriptor, not owned),
// a line of JSON each; the kinds and fields are those that services/squid.h gives to Squid's:
//   ready          listen
//   request        client, method, target, scheme, agent, host, alpn, proxy-connection, upgrade
//   malformed      client, reason: no request, or not one after another (bytes for a tunnel that was refused)
//   answered       client, method, target, status, verdict, scheme, user, algorithm, nc, offered, milliseconds
//   admitted       client, method, target, scheme, user, algorithm, nc: the upstream is being asked
//   tunnel-opened  client, target, upstream, status
//   tunnel-closed  client, target, user, received, sent, milliseconds, reason
//   withheld       client, target: admitted, and will never be answered
//   down, up       no longer listening, and listening again
class ProxyServer {
 public:
  ProxyServer(ProxySettings settings, int journal);
  ~ProxyServer();
  ProxyServer(const ProxyServer&) = delete;
  ProxyServer& operator=(const ProxyServer&) = delete;

  std::vector<Endpoint> endpoints() const;  // with the ports that the kernel chose
  void run();                               // until stop()
  void stop();                              // from any thread

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace crypelab::faults
