#pragma once

#include "harness/probe/bindings.h"

namespace crypelab::probe {

// measure::Reach over UDP.
class ReachDialogue final : public Dialogue {
 public:
  ReachDialogue(const measure::Reach& ask, const wire::TransactionId& token) : to_(ask.to), token_(token) {}

  Endpoint target() const override { return to_; }
  void start(const std::vector<Endpoint>& locals, Time now) override;
  void receive(unsigned socket, const Endpoint& from, wire::Bytes bytes, Time now) override;
  void unreached(unsigned socket, const Unreached& error, Time now) override;
  void wake(Time now) override;
  std::optional<Time> next() const override { return retry_.at(); }
  bool done() const override { return done_; }
  measure::Finding finding() const override { return found_; }

 private:
  Endpoint to_;
  wire::TransactionId token_;
  Retry retry_;
  measure::Reached found_;
  bool done_ = false;
};

}  // namespace crypelab::probe
