#include "harness/impair/impaired_queue.h"

#include "harness/base/error.h"
#include "harness/impair/random.h"

#include <algorithm>

namespace crypelab::impair {
namespace {

Impairment checked_impairment(Impairment impairment) {
  if (const auto complaint = complaint_about(impairment)) throw Failure(Exit::usage, "impairment: " + complaint->text);
  return impairment;
}

std::uint64_t footprint(const Packet& packet) { return packet.frame.capacity() + sizeof(Packet) + 32; }

}  // namespace

ImpairedQueue::ImpairedQueue(Impairment impairment, Time now, std::uint64_t memory_limit)
    : impairment_(checked_impairment(std::move(impairment))),
      loss_(impairment_),
      bottleneck_(now, impairment_),
      memory_limit_(memory_limit) {}

void ImpairedQueue::change(Time now, Impairment impairment) {
  impairment = checked_impairment(std::move(impairment));
  advance(now);
  impairment_ = std::move(impairment);
  loss_ = LossModel(impairment_);
  bottleneck_.change(now, impairment_);
  advance(now);
}

void ImpairedQueue::push(Time now, Frame frame) {
  advance(now);
  ++counters_.received;
  counters_.received_bytes += frame.wire_size();
  if (impairment_.mtu && frame.ip_size() > impairment_.mtu->bytes) {
    ++counters_.too_big;
    return;
  }
  Packet packet{std::move(frame), 0, 0, now};
  if (is_link_control(packet.frame.bytes())) {
    ++counters_.link_control;
    return admit(now, std::move(packet));
  }

  const Fate fate = loss_.next();
  if (fate == Fate::lost) ++counters_.lost;
  if (fate == Fate::listed) ++counters_.listed;
  if (fate != Fate::kept) return;
  packet.number = loss_.number();
  if (falls_within(random_at(impairment_.seed, Purpose::duplication, packet.number), impairment_.duplication)) {
    ++counters_.duplicated;
    Packet copy{Frame::copy_of(packet.frame.bytes()), packet.number, 0, now};
    admit(now, std::move(packet));
    return admit(now, std::move(copy));
  }
  admit(now, std::move(packet));
}

void ImpairedQueue::admit(Time now, Packet packet) {
  const std::uint64_t bytes = packet.frame.wire_size();
  const std::uint64_t memory = footprint(packet);
  if (memory_ + memory > memory_limit_) {
    ++counters_.overflowed;
    return;
  }
  packet.order = ++order_;
  if (bottleneck_.is_open()) {
    fly(now, std::move(packet));
  } else if (!bottleneck_.push(now, std::move(packet))) {
    ++counters_.queue_full;
    return;
  }
  memory_ += memory;
  ++counters_.waiting;
  counters_.waiting_bytes += bytes;
}

void ImpairedQueue::advance(Time now) {
  while (bottleneck_.departure() <= now) {
    const Time at = bottleneck_.departure();
    fly(at, bottleneck_.pop());
  }
}

void ImpairedQueue::fly(Time at, Packet packet) {
  Time due = at + impairment_.delay;
  const bool judged = packet.number != 0;
  if (judged) due = std::max(at, due + jitter(packet.number));
  if (!impairment_.jitter.may_reorder) due = std::max(due, last_due_);
  const std::uint64_t random = random_at(impairment_.seed, Purpose::reordering, packet.number);
  if (judged && falls_within(random, impairment_.reordering.share)) {
    due += impairment_.reordering.extra;  // and nobody waits for it
  } else {
    last_due_ = due;
  }
  flying_.push_back(Flying{due, std::move(packet)});
  std::push_heap(flying_.begin(), flying_.end(), later);
}

Time ImpairedQueue::jitter(std::uint64_t number) const {
  const std::int64_t spread = Time(impairment_.jitter.spread).count();
  if (spread == 0) return Time::zero();
  constexpr std::int64_t one = std::int64_t{1} << 20;  // fixed point: a minute in nanoseconds times 6 still fits
  if (impairment_.jitter.distribution == Distribution::uniform) {
    const auto u = static_cast<std::int64_t>(random_at(impairment_.seed, Purpose::jitter, number) >> 43);  // 21 bits
    return Time(spread * (u - one) / one);
  }
  // Twelve uniform numbers minus six: variance 1, no logarithm that differs between libraries (Irwin-Hall).
  std::int64_t sum = -6 * one;
  for (std::uint64_t i = 0; i < 12; ++i) {
    sum += static_cast<std::int64_t>(random_at(impairment_.seed, Purpose::jitter, number * 12 + i) >> 44);  // 20 bits
  }
  return Time(spread * sum / one);
}

std::optional<ImpairedQueue::Delivery> ImpairedQueue::pop(Time now) {
  advance(now);
  if (flying_.empty() || flying_.front().due > now) return std::nullopt;
  std::pop_heap(flying_.begin(), flying_.end(), later);
  Flying flying = std::move(flying_.back());
  flying_.pop_back();
  memory_ -= footprint(flying.packet);
  --counters_.waiting;
  counters_.waiting_bytes -= flying.packet.frame.wire_size();
  ++counters_.delivered;
  counters_.delivered_bytes += flying.packet.frame.wire_size();
  if (flying.packet.order < highest_delivered_) ++counters_.reordered;
  highest_delivered_ = std::max(highest_delivered_, flying.packet.order);
  return Delivery{std::move(flying.packet.frame), flying.due};
}

Time ImpairedQueue::next_wake() const {
  return std::min(bottleneck_.departure(), flying_.empty() ? kNever : flying_.front().due);
}

bool ImpairedQueue::later(const Flying& a, const Flying& b) {
  return a.due != b.due ? a.due > b.due : a.packet.order > b.packet.order;
}

}  // namespace crypelab::impair
