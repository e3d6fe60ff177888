#pragma once

#include "harness/impair/frame.h"
#include "harness/impair/impairment.h"

#include <cstdint>
#include <deque>

namespace crypelab::impair {

// A packet under way, and what the impairment has to remember about it.
struct Packet {
  Frame frame;
  std::uint64_t number = 0;  // for random decisions; 0 for link control
  std::uint64_t order = 0;   // of entry, to see reordering
  Time arrival{};
};

// A FIFO with a drop-tail limit in front of a sender of fixed rate, or of a trace's opportunities. Bytes are paced
// exactly: what a rounded nanosecond gave too much is taken from the next packet, so a backlog of N bits takes N/rate.
class Bottleneck {
 public:
  Bottleneck(Time now, const Impairment& impairment) { change(now, impairment); }

  // New rate, trace and limit; packets that wait stay, and the part of the head that is already sent stays sent between
  // two rates. A trace begins at `now`. Call only when departure() > now.
  void change(Time now, const Impairment& impairment);
  bool is_open() const { return !rate_ && !trace_; }  // nothing waits here

  // False, and the packet is lost, when it does not fit. Calls are in order of time.
  bool push(Time now, Packet&& packet);
  // When the head has left; kNever when empty.
  Time departure() const { return waiting_.empty() ? kNever : departure_; }
  // Takes the head, at its departure().
  Packet pop();

  std::size_t packets() const { return waiting_.size(); }
  std::uint64_t bytes() const { return bytes_; }

 private:
  void start_head(Time at);
  void pace_from(Time at);

  std::optional<BitRate> rate_;
  std::optional<DeliveryTrace> trace_;
  QueueLimit limit_;
  std::deque<Packet> waiting_;
  std::uint64_t bytes_ = 0;
  Time departure_{};
  // Rate: what is to be sent from start_ on, in bits times 1e9 (one bit/s sends one of them in a nanosecond).
  Time start_{};
  std::uint64_t nanobits_ = 0;
  std::uint64_t credit_ = 0;
  // Trace: the first opportunity that is not used up, and the bytes that are left of the one before it.
  Time origin_{};
  std::uint64_t opportunity_ = 0;
  std::uint64_t left_over_ = 0;
};

}  // namespace crypelab::impair
