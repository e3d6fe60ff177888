#pragma once

#include "harness/faults/turn_script.h"

#include <memory>
#include <vector>

namespace crypelab::faults {

// A TURN server that misbehaves on request (turn_desk.h) on real sockets, on one thread. Constructed means listening.
// Its journal: "ready"; "connection" (client, transport), "closed" (client, reason), "handshake-failed"; and the
// desk's.
class TurnServer {
 public:
  // `journal` is a descriptor for it, not owned. Throws Failure{os} when an address cannot be had, Failure{data} for a
  // certificate that cannot be read.
  TurnServer(TurnSettings settings, int journal);
  ~TurnServer();
  TurnServer(const TurnServer&) = delete;
  TurnServer& operator=(const TurnServer&) = delete;

  // UDP, TCP, TLS in the order of the settings; with the ports that the kernel chose.
  std::vector<Endpoint> endpoints() const;
  void run();   // until stop()
  void stop();  // from any thread

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace crypelab::faults
