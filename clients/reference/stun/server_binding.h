#pragma once

#include "clients/reference/stun/redirections.h"
#include "clients/reference/stun/requester.h"

#include <memory>

namespace crypelab::client::stun {

// The server-reflexive address of one UDP socket at one STUN server (RFC 8445 §5.1.1.2), and the NAT binding behind it
// kept alive until ICE ends (§5.1.1.4, I-04). It asks at once.
class ServerBinding {
 public:
  struct Settings {
    Timing timing;
    Misbehaviour misbehaviour;
    Duration keepalive = 15s;  // RFC 8445 §11: never less
  };
  ServerBinding(Settings settings, Random& random, Output& out, Time now);

  // Whether it was an answer to a request of this binding.
  bool receive(const wire::StunMessage& answer, Time now);
  void wake(Time now);
  std::optional<Time> next() const;

  // How this socket is seen outside; absent until answered. It changes when a NAT gives a new mapping: a new candidate.
  const std::optional<Endpoint>& mapped() const { return mapped_; }
  // Why there is no address. Asking again, or elsewhere (300), is the owner's: make a new binding.
  const std::optional<Completion>& failure() const { return failure_; }
  bool decided() const { return mapped_ || failure_; }
  // ICE has ended: no more keepalives.
  void conclude() { concluded_ = true; }

 private:
  void take(Completion completion, Time now);

  Settings settings_;
  Requester requester_;
  std::optional<Endpoint> mapped_;
  std::optional<Completion> failure_;
  Time renew_{};
  bool asking_ = true;
  bool concluded_ = false;
};

}  // namespace crypelab::client::stun
