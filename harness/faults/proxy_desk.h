#pragma once

#include "harness/faults/proxy_guard.h"

namespace crypelab::faults {

// What is to be done about a request.
struct Decision {
  enum class Kind {
    answer,  // send `text`
    tunnel,  // connect to `target`, then send `text` and relay
    silence  // never send anything
  };
  Kind kind = Kind::answer;
  unsigned status = 0;  // of `text`
  std::string text;     // head and body
  bool close = false;   // the connection ends after the answer
  wire::HttpAuthority target;
  Presented presented;
};

// Decides about requests. Neither clock nor socket.
class ProxyDesk {
 public:
  // `settings` must outlive it.
  ProxyDesk(const ProxySettings& settings, std::string secret);

  Decision decide(const wire::HttpRequestHead& request, const std::string& client, Millis now);
  // To what is no request (400), and when the upstream could not be reached (502, 504).
  Decision refuse(unsigned status) const;

 private:
  Decision ask(Presented presented, Millis now) const;

  const ProxySettings* settings_;
  ProxyGuard guard_;
};

}  // namespace crypelab::faults
