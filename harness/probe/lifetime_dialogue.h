#pragma once

#include "harness/probe/bindings.h"

namespace crypelab::probe {

// measure::Lifetime, RFC 5780 section 4.6, with all silences at the same time: each socket gets its mapping and is
// quiet; when its time is over, the last socket asks the server to answer to that mapping (RESPONSE-PORT), three times.
class LifetimeDialogue final : public Dialogue {
 public:
  static constexpr unsigned max_steps = 64;
  LifetimeDialogue(const measure::Lifetime& ask, std::uint64_t seed);

  unsigned sockets() const override { return static_cast<unsigned>(samples_.size()) + 1; }
  Endpoint target() const override { return ask_.server; }
  void start(const std::vector<Endpoint>& /*locals*/, Time now) override { wake(now); }
  void receive(unsigned socket, const Endpoint& from, wire::Bytes bytes, Time now) override;
  void wake(Time now) override;
  std::optional<Time> next() const override;
  bool done() const override;
  measure::Finding finding() const override;

 private:
  struct Sample {
    Duration silence{0};
    Retry retry;
    std::optional<Endpoint> mapped;
    Time due{0};  // of the next request to be sent for it
    unsigned asked = 0;
    std::optional<bool> alive;
  };

  measure::Lifetime ask_;
  Transactions transactions_;
  std::vector<Sample> samples_;
};

}  // namespace crypelab::probe
