#pragma once

#include "harness/base/address.h"
#include "harness/faults/journal.h"
#include "harness/wire/http_head.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace crypelab::faults {

struct WebRequest {
  wire::HttpRequestHead head;
  std::string body;
  Endpoint client;
  bool tls = false;
};

struct WebReply {
  unsigned status = 200;
  std::string type;       // Content-Type; empty: none
  std::string body;       // also the answer to HEAD, without being sent
  wire::HttpFields more;  // further fields
  std::chrono::milliseconds delay{0};
  bool never = false;  // no answer at all; the connection stays
};

struct WebPlaces {
  std::vector<Endpoint> plain;
  std::vector<Endpoint> tls;
  std::string certificate;  // PEM files, for `tls`
  std::string key;
};

// A small web server, HTTP/1.1, on one thread. What it sees goes to the journal: "ready"; "request" (client, method,
// path, host, agent, tls), "answered" (client, path, status, milliseconds); "malformed" (client, reason);
// "handshake-failed" (client, sni, reason). Of a path only what stands before "?" is told.
class WebServer {
 public:
  using Handler = std::function<WebReply(const WebRequest&)>;

  // `journal` must outlive it.
  WebServer(const WebPlaces& places, Handler handler, Journal& journal);
  ~WebServer();
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  std::vector<Endpoint> endpoints() const;  // plain ones, then those with TLS; with the ports that the kernel chose
  // Calls `what` once, so long after the start.
  void later(std::chrono::milliseconds moment, std::function<void()> what);
  void run();   // until stop()
  void stop();  // from any thread

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace crypelab::faults
