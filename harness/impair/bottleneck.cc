#include "harness/impair/bottleneck.h"

#include <algorithm>

namespace crypelab::impair {

void Bottleneck::change(Time now, const Impairment& impairment) {
  const bool paced_before = rate_.has_value();
  if (paced_before && !waiting_.empty()) {
    const auto elapsed = static_cast<std::uint64_t>(std::max(now - start_, Time::zero()).count());
    nanobits_ -= std::min(nanobits_, elapsed * rate_->bits_per_second);
  }
  rate_ = impairment.rate;
  trace_ = impairment.trace;
  limit_ = effective_queue(impairment);
  credit_ = 0;
  origin_ = now;
  opportunity_ = 0;
  left_over_ = 0;
  if (waiting_.empty()) return;
  if (paced_before && rate_) {
    pace_from(now);
  } else {
    start_head(now);
  }
}

bool Bottleneck::push(Time now, Packet&& packet) {
  const std::uint64_t size = packet.frame.wire_size();
  if (!waiting_.empty()) {
    if (limit_.packets && waiting_.size() >= *limit_.packets) return false;
    if (limit_.bytes && bytes_ + size > limit_.bytes->bytes) return false;
  }
  packet.arrival = now;
  bytes_ += size;
  waiting_.push_back(std::move(packet));
  if (waiting_.size() == 1) {
    credit_ = 0;  // an idle line saves nothing up
    start_head(now);
  }
  return true;
}

Packet Bottleneck::pop() {
  Packet packet = std::move(waiting_.front());
  waiting_.pop_front();
  bytes_ -= packet.frame.wire_size();
  if (!waiting_.empty()) start_head(departure_);
  return packet;
}

void Bottleneck::start_head(Time at) {
  const Packet& head = waiting_.front();
  if (rate_) {
    nanobits_ = head.frame.wire_size() * 8 * 1'000'000'000;
    nanobits_ -= std::min(nanobits_, credit_);
    pace_from(at);
  } else if (trace_) {
    const Time arrival = std::max(head.arrival - origin_, Time::zero());
    if (left_over_ > 0 && trace_->time_of(opportunity_ - 1) < arrival) left_over_ = 0;  // it came too late for that one
    opportunity_ = std::max(opportunity_, trace_->first_at(arrival));
    const std::uint64_t size = std::max<std::uint64_t>(head.frame.ip_size(), 1);
    const std::uint64_t missing = size - std::min(size, left_over_);
    const std::uint64_t taken = (missing + DeliveryTrace::kBytes - 1) / DeliveryTrace::kBytes;
    left_over_ = left_over_ + taken * DeliveryTrace::kBytes - size;
    opportunity_ += taken;
    departure_ = origin_ + trace_->time_of(opportunity_ - 1);
  } else {
    departure_ = at;
  }
}

void Bottleneck::pace_from(Time at) {
  const std::uint64_t rate = rate_->bits_per_second;
  const std::uint64_t nanoseconds = (nanobits_ + rate - 1) / rate;
  credit_ = nanoseconds * rate - nanobits_;
  start_ = at;
  departure_ = at + Time(static_cast<std::int64_t>(nanoseconds));
}

}  // namespace crypelab::impair
