#include "harness/probe/path_mtu_dialogue.h"

#include <algorithm>

namespace crypelab::probe {
namespace {

constexpr std::uint32_t kSizes = 12;
constexpr unsigned kTries = 3;

}  // namespace

PathMtuDialogue::PathMtuDialogue(const measure::PathMtu& ask) : SessionDialogue(ask.to), ask_(ask) {
  ask_.largest = std::clamp<std::uint32_t>(ask.largest, 128, 9000);
  good_ = packet_header_size + overhead();  // opening the session has proved that
  bad_ = ask_.largest + 1;
}

void PathMtuDialogue::opened(Time now) { next_sizes(now); }

void PathMtuDialogue::next_sizes(Time now) {
  sizes_.clear();
  tries_ = 0;
  const auto span = bad_ - good_ - 1;
  const auto count = std::min(kSizes, span);
  if (count == 0) {
    found_.mtu = good_;
    request_report(1, now);
    return;
  }
  // Evenly spread; the largest is one of them, so that a path without a narrow place needs one round.
  for (std::uint32_t i = 1; i <= count; ++i) sizes_.push_back(good_ + span * i / count);
  send_sizes(now);
}

void PathMtuDialogue::send_sizes(Time now) {
  ++tries_;
  for (const auto size : sizes_) {
    if (size <= good_) continue;  // a larger one has arrived
    if (ask_.way == measure::Way::up) {
      send_packet({.kind = Kind::big, .number = size}, size - overhead(), true);
    } else {
      send_packet({.kind = Kind::want_big, .number = size, .parameter = size - overhead()});
    }
  }
  due_ = now + std::max<Duration>(2 * rtt(), std::chrono::milliseconds(40));
}

void PathMtuDialogue::proceed(Time now) {
  if (now < due_) return;
  if (tries_ < kTries) {
    send_sizes(now);
    return;
  }
  for (const auto size : sizes_) {
    if (size > good_) bad_ = std::min(bad_, size);
  }
  next_sizes(now);
}

void PathMtuDialogue::handle(const Packet& packet, std::size_t size, Time now) {
  const bool arrived = ask_.way == measure::Way::up ? packet.kind == Kind::big_arrived
                                                    : packet.kind == Kind::big && size + overhead() == packet.number;
  if (!arrived || is_reporting() || packet.number >= bad_) return;
  good_ = std::max(good_, packet.number);
  const bool all = !sizes_.empty() && sizes_.back() <= good_;
  if (all) next_sizes(now);
}

void PathMtuDialogue::unreached(unsigned /*socket*/, const Unreached& error, Time /*now*/) {
  if (ask_.way != measure::Way::up || !error.too_big || !error.from) return;
  found_.too_big = true;
  found_.reported = *error.too_big;
}

void PathMtuDialogue::reported(const Report& report, Time /*now*/) {
  if (ask_.way == measure::Way::down && report.too_big != 0) {
    found_.too_big = true;
    found_.reported = report.too_big;
  }
  finish();
}

measure::Finding PathMtuDialogue::finding() const { return found_; }

}  // namespace crypelab::probe
