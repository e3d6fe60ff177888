#pragma once

#include "harness/probe/session_dialogue.h"

namespace crypelab::probe {

// measure::Passage over UDP: echoes until the network has had enough.
class PassageDialogue final : public Dialogue {
 public:
  explicit PassageDialogue(const measure::Passage& ask);

  Endpoint target() const override { return ask_.to; }
  void start(const std::vector<Endpoint>& /*locals*/, Time now) override;
  void receive(unsigned socket, const Endpoint& from, wire::Bytes bytes, Time now) override;
  void unreached(unsigned socket, const Unreached& error, Time now) override;
  void wake(Time now) override;
  std::optional<Time> next() const override { return next_; }
  bool done() const override { return done_; }
  measure::Finding finding() const override { return found_; }

 private:
  measure::Passage ask_;
  std::uint32_t size_;
  std::uint32_t sent_ = 0;
  Time begin_{0};
  Time last_{0};
  Time next_{0};
  Arrivals back_;
  measure::Passed found_;
  bool done_ = false;
};

// Payload of one packet of a passage: fine enough to find the limit within a twentieth.
std::uint32_t passage_size(const measure::Passage& ask);

}  // namespace crypelab::probe
