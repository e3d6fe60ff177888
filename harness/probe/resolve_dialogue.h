#pragma once

#include "harness/probe/bindings.h"

namespace crypelab::probe {

// measure::Resolve; `server` is what the machine's resolv.conf said if the question names none.
class ResolveDialogue final : public Dialogue {
 public:
  ResolveDialogue(const measure::Resolve& ask, const Endpoint& server, std::uint64_t seed);

  Endpoint target() const override { return server_; }
  void start(const std::vector<Endpoint>& /*locals*/, Time now) override { wake(now); }
  void receive(unsigned socket, const Endpoint& from, wire::Bytes bytes, Time now) override;
  void unreached(unsigned socket, const Unreached& error, Time now) override;
  void wake(Time now) override;
  std::optional<Time> next() const override { return retry_.at(); }
  bool done() const override { return done_; }
  measure::Finding finding() const override { return found_; }

 private:
  measure::Resolve ask_;
  Endpoint server_;
  std::uint16_t id_;
  std::vector<std::uint8_t> question_;  // empty: the name is none
  Retry retry_{std::chrono::milliseconds(1000)};
  measure::Resolved found_;
  bool done_ = false;
};

}  // namespace crypelab::probe
