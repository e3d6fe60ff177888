#pragma once

#include "harness/probe/session_dialogue.h"

namespace crypelab::probe {

// measure::Rate over UDP: sends more than fits and counts what arrives.
class RateDialogue final : public SessionDialogue {
 public:
  explicit RateDialogue(const measure::Rate& ask);
  measure::Finding finding() const override;

 private:
  void opened(Time now) override;
  void handle(const Packet& packet, std::size_t size, Time now) override;
  void proceed(Time now) override;
  std::optional<Time> due() const override;
  void reported(const Report& report, Time now) override;

  measure::Rate ask_;
  std::uint32_t size_ = 0;
  std::uint32_t count_ = 0;
  Duration interval_{0};
  Time begin_{0};
  std::uint32_t sent_ = 0;
  bool asked_again_ = false;
  Arrivals down_;
  Report report_;
  bool complete_ = false;
};

}  // namespace crypelab::probe
