#pragma once

#include "harness/impair/bottleneck.h"
#include "harness/impair/counters.h"
#include "harness/impair/frame.h"
#include "harness/impair/impairment.h"
#include "harness/impair/loss_model.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace crypelab::impair {

// One direction of an impaired link as a value: packets go in with the time, and come out when the impairment lets
// them. No clock, no socket. The times given to one queue must not decrease; the loop around it is:
//
//   queue.push(now, frame);                       // any number of times
//   while (auto out = queue.pop(now)) send(*out); // everything due
//   sleep until queue.next_wake();
//
// Late calls do not accumulate: a packet's moment follows from arrival times and sizes alone, never from when pop() was
// called.
class ImpairedQueue {
 public:
  // What packets in queue and delay line may hold together; beyond it they are dropped and counted as `overflowed`.
  static constexpr std::uint64_t kMemoryLimit = 64ull << 20;

  struct Delivery {
    Frame frame;
    Time due{};  // when it should have left; pop() may be called later
  };

  // Throws Failure{Exit::usage} with the text of complaint_about() when the impairment cannot be.
  explicit ImpairedQueue(Impairment impairment, Time now = Time::zero(), std::uint64_t memory_limit = kMemoryLimit);

  // Packet numbers and random streams start again. Packets under way stay: those in the queue meet the new rate and
  // delay, those in the delay line keep their moment. Throws as the constructor does, and then nothing has changed.
  void change(Time now, Impairment impairment);

  void push(Time now, Frame frame);
  // The next packet that is due at `now`, earliest first.
  std::optional<Delivery> pop(Time now);
  // When pop() must be called again; kNever when nothing is under way.
  Time next_wake() const;

  const Impairment& impairment() const { return impairment_; }
  // The part of the counters up to `waiting_bytes`, and `overflowed`.
  const LinkCounters& counters() const { return counters_; }

 private:
  struct Flying {
    Time due{};
    Packet packet;
  };
  static bool later(const Flying& a, const Flying& b);

  void admit(Time now, Packet packet);
  void advance(Time now);
  void fly(Time at, Packet packet);
  Time jitter(std::uint64_t number) const;

  Impairment impairment_;
  LossModel loss_;
  Bottleneck bottleneck_;
  std::vector<Flying> flying_;  // a heap, earliest first
  Time last_due_{};             // packets that may not overtake wait for this
  std::uint64_t order_ = 0;
  std::uint64_t highest_delivered_ = 0;
  std::uint64_t memory_limit_;
  std::uint64_t memory_ = 0;
  LinkCounters counters_;
};

}  // namespace crypelab::impair
