#pragma once

#include "harness/base/units.h"
#include "harness/kernel/link.h"

namespace crypelab::kernel {

// What a token bucket (tc-tbf(8)) does with what leaves an interface. It counts whole frames, 14 bytes of Ethernet
// included.
struct Shaping {
  BitRate rate;
  ByteCount burst;  // how much may leave at once after a pause
  ByteCount queue;  // how much waits before packets are dropped
};

// `rate` with a burst that keeps it exact in spite of late timers (5 ms worth, at least two full frames) and a queue
// that holds `waiting` worth of it (at least ten full frames).
Shaping shaping_for(BitRate rate, Duration waiting = std::chrono::milliseconds(100));

// The rate of one direction: a token bucket on everything that leaves an interface, until it is destroyed.
class TokenBucket {
 public:
  // Throws Failure; so do the others.
  TokenBucket(const Link& leaving, const Shaping& shaping);
  // Takes effect at once; what waits stays waiting.
  void replace(const Shaping& shaping);
  ~TokenBucket();  // the interface may be gone by then
  TokenBucket(const TokenBucket&) = delete;
  TokenBucket& operator=(const TokenBucket&) = delete;

 private:
  Link link_;
};

}  // namespace crypelab::kernel
