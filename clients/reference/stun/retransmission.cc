#include "clients/reference/stun/retransmission.h"

namespace crypelab::client::stun {

Retransmission::Retransmission(const Timing& timing, Time now) : timing_(timing), wait_(timing.rto) {
  due_ = now + (timing_.reliable ? timing_.ti : ends() ? timing_.rto * timing_.rm : wait_);
}

void Retransmission::sent(Time now) {
  ++sent_;
  if (timing_.backing_off) wait_ *= 2;
  due_ = now + (ends() ? timing_.rto * timing_.rm : wait_);
}

}  // namespace crypelab::client::stun
