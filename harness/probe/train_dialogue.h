#pragma once

#include "harness/probe/session_dialogue.h"

namespace crypelab::probe {

// measure::Train: numbered echoes. Up is what the far side counted; down is what came back of what it returned, by the
// order in which it returned them.
class TrainDialogue final : public SessionDialogue {
 public:
  explicit TrainDialogue(const measure::Train& ask);
  measure::Finding finding() const override;

 private:
  void opened(Time now) override;
  void handle(const Packet& packet, std::size_t size, Time now) override;
  void proceed(Time now) override;
  std::optional<Time> due() const override;
  void reported(const Report& report, Time now) override;

  measure::Train ask_;
  Time begin_{0};
  std::uint32_t sent_ = 0;
  std::vector<Time> sent_at_;
  Time quiet_since_{0};
  Arrivals down_;
  std::vector<Duration> rtts_;
  std::vector<std::int64_t> up_delays_;    // plus the unknown difference of the clocks
  std::vector<std::int64_t> down_delays_;  // minus it
  std::vector<bool> seen_up_;
  Report report_;
  bool complete_ = false;
};

}  // namespace crypelab::probe
