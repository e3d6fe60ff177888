#pragma once

#include "harness/probe/session_dialogue.h"

#include <map>

namespace crypelab::probe {

// measure::PathMtu: packets that must not be fragmented, a dozen sizes at a time between the largest that arrived and
// the smallest that did not (RFC 8899 section 5 with what RFC 4821 section 7 calls probing), each up to three times.
class PathMtuDialogue final : public SessionDialogue {
 public:
  explicit PathMtuDialogue(const measure::PathMtu& ask);
  void unreached(unsigned socket, const Unreached& error, Time now) override;
  measure::Finding finding() const override;

 private:
  void opened(Time now) override;
  void handle(const Packet& packet, std::size_t size, Time now) override;
  void proceed(Time now) override;
  std::optional<Time> due() const override { return due_; }
  void reported(const Report& report, Time now) override;
  void next_sizes(Time now);
  void send_sizes(Time now);

  measure::PathMtu ask_;
  std::uint32_t good_ = 0;  // IP packet that arrived
  std::uint32_t bad_;       // IP packet that did not, or one more than the largest asked for
  std::vector<std::uint32_t> sizes_;
  unsigned tries_ = 0;
  Time due_{0};
  measure::PathMtuFound found_;
};

}  // namespace crypelab::probe
