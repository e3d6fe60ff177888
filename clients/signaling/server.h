#pragma once

#include "clients/signaling/settings.h"

#include <memory>
#include <vector>

namespace crypelab::signaling {

// The server: constructed means listening and {"event": "ready"} logged; run() serves on the calling thread.
class Server {
 public:
  // Throws Failure: Exit::data for a bad certificate, Exit::os or Exit::privilege for an address that cannot be had.
  explicit Server(Settings settings);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Where it listens, with the ports that the kernel chose for port 0.
  std::vector<Endpoint> endpoints() const;
  // Serves until stop() or, with `signals`, SIGTERM or SIGINT; then says goodbye to every connection, for one second at
  // most.
  void run(bool signals);
  // May be called from any thread.
  void stop();

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace crypelab::signaling
