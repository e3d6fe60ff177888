#pragma once

#include "harness/probe/filtering_dialogue.h"

#include <array>

namespace crypelab::probe {

// measure::Hairpin, RFC 5780 section 4.5, between two sockets of ours: each sends to what the other is seen as, so that
// what the NAT filters does not hide that it hairpins (RFC 4787 REQ-9 with REQ-8). A NAT whose mappings and filtering
// both depend on the port cannot be told: no packet that it would let through can be named.
class HairpinDialogue final : public Dialogue {
 public:
  HairpinDialogue(const measure::Hairpin& ask, std::uint64_t seed) : ask_(ask), transactions_(seed) {}

  unsigned sockets() const override { return 2; }
  Endpoint target() const override { return ask_.server; }
  void start(const std::vector<Endpoint>& /*locals*/, Time now) override { wake(now); }
  void receive(unsigned socket, const Endpoint& from, wire::Bytes bytes, Time now) override;
  void wake(Time now) override;
  std::optional<Time> next() const override { return mapped() ? rounds_.next() : retry_.at(); }
  bool done() const override { return found_.hairpin.has_value(); }
  measure::Finding finding() const override { return found_; }

 private:
  bool mapped() const { return mapped_[0] && mapped_[1]; }

  measure::Hairpin ask_;
  Transactions transactions_;
  Retry retry_;
  std::array<std::optional<Endpoint>, 2> mapped_;
  Rounds rounds_;
  measure::Hairpinned found_;
};

}  // namespace crypelab::probe
