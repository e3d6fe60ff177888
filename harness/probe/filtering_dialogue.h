#pragma once

#include "harness/probe/bindings.h"

namespace crypelab::probe {

// Asks for something that may never come back, and then for something that must: when that is back and a while has
// passed, the first will not come. Three rounds of it, 5 ms apart, against loss; again when the whole was lost.
class Rounds {
 public:
  static constexpr unsigned count = 3;
  bool due(Time now) const { return sent_ < count ? now >= next_ : !answered_ && now >= next_; }
  // A round has been sent; its number is returned.
  unsigned sent(Time now);
  void answered(Time now);  // a control came back
  // Every answer that could come has had its time.
  bool settled(Time now) const { return controls_ >= count && now >= settled_; }
  bool any() const { return answered_; }
  std::optional<Time> next() const;

 private:
  unsigned sent_ = 0;
  unsigned controls_ = 0;
  bool answered_ = false;
  Duration again_ = std::chrono::milliseconds(100);
  Time begin_{0};
  Time next_{0};
  Time settled_{0};
};

// measure::Filtering, RFC 5780 section 4.4.
class FilteringDialogue final : public Dialogue {
 public:
  FilteringDialogue(const measure::Filtering& ask, std::uint64_t seed) : ask_(ask), transactions_(seed) {}

  Endpoint target() const override { return ask_.server; }
  void start(const std::vector<Endpoint>& /*locals*/, Time now) override { wake(now); }
  void receive(unsigned socket, const Endpoint& from, wire::Bytes bytes, Time now) override;
  void wake(Time now) override;
  std::optional<Time> next() const override { return rounds_.next(); }
  bool done() const override { return done_; }
  measure::Finding finding() const override;

 private:
  measure::Filtering ask_;
  Transactions transactions_;
  Rounds rounds_;
  bool from_other_ = false;
  bool from_other_port_ = false;
  bool done_ = false;
};

}  // namespace crypelab::probe
