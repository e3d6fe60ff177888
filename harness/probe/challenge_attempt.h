#pragma once

#include "harness/probe/attempt.h"
#include "harness/probe/stream.h"
#include "harness/wire/http_head.h"

namespace crypelab::probe {

// measure::Challenge. The tunnel, if there is one, is given up at once.
class ChallengeAttempt final : public Attempt {
 public:
  ChallengeAttempt(const measure::Challenge& ask, std::optional<Address> from) : ask_(ask), from_(from) {}
  void start(Time now) override;
  void wait_for(std::vector<pollfd>& descriptors) const override;
  void ready(std::span<const pollfd> descriptors, Time now) override;
  std::optional<Time> next() const override { return std::nullopt; }
  void wake(Time /*now*/) override {}
  bool done() const override;
  measure::Finding finding() const override;

 private:
  measure::Challenge ask_;
  std::optional<Address> from_;
  std::optional<Stream> stream_;
  bool asked_ = false;
  wire::HttpResponseParser parser_;
};

}  // namespace crypelab::probe
