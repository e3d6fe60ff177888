#pragma once

#include "clients/reference/time.h"

namespace crypelab::client::stun {

struct Timing {
  bool reliable = false;    // TCP, TLS: nothing is repeated, the transaction ends after `ti`
  Duration rto = 500ms;     // RFC 8489 §6.2.1, RFC 8445 §14.3: never less
  unsigned rc = 7;          // requests sent in all
  unsigned rm = 16;         // the last one is waited for rm * rto
  Duration ti = 39'500ms;   // RFC 8489 §6.2.2
  bool backing_off = true;  // every wait twice the one before
};

// When a request is sent again and when it has failed (RFC 8489 §6.2.1, §6.2.2): with the numbers above at 0, 500,
// 1500, 3500, 7500, 15500, 31500 ms, and failed at 39500 ms. Made when the request is sent for the first time.
class Retransmission {
 public:
  Retransmission(const Timing& timing, Time now);

  Time due() const { return due_; }
  // What `due` is: the end, or the next sending.
  bool ends() const { return timing_.reliable || sent_ >= timing_.rc; }
  // It was sent again.
  void sent(Time now);
  unsigned count() const { return sent_; }

 private:
  Timing timing_;
  unsigned sent_ = 1;
  Duration wait_;
  Time due_;
};

}  // namespace crypelab::client::stun
