#pragma once

#include "harness/faults/dns_faults.h"

#include <functional>
#include <memory>

namespace crypelab::faults {

// A question as it came, and what was done with it.
struct DnsSeen {
  Endpoint client;
  bool stream = false;  // over TCP
  wire::DnsQuestion question;
  DnsFate fate = DnsFate::forward;
};

// Stands in front of a resolver, over UDP and TCP (RFC 7766). At most 256 questions are under way; more are not
// answered. At most 64 connections are open; more are closed at once, and so is one that says nothing for ten seconds
// or something that is no question.
class DnsServer {
 public:
  // Listening once constructed. Throws Failure when an endpoint cannot be had.
  DnsServer(DnsSettings settings, std::function<void(const DnsSeen&)> seen);
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  std::vector<Endpoint> endpoints() const;  // with the ports that the kernel chose
  void run();                               // until stop()
  void stop();                              // from any thread

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace crypelab::faults
