#include "harness/probe/train_dialogue.h"

#include <algorithm>

namespace crypelab::probe {
namespace {

constexpr std::uint32_t kBatch = 64;
constexpr std::size_t kMostLost = 10'000;  // numbers that an answer lists

template <class Number>
Number percentile(std::vector<Number> values, unsigned percent) {
  if (values.empty()) return Number{};
  const auto at = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) * percent / 100);
  std::ranges::nth_element(values, at);
  return *at;
}

Duration jitter_of(const std::vector<std::int64_t>& delays) {
  return Duration(percentile(delays, 90) - percentile(delays, 0));
}

}  // namespace

TrainDialogue::TrainDialogue(const measure::Train& ask) : SessionDialogue(ask.to), ask_(ask) {
  ask_.count = std::clamp(ask_.count, 1u, max_number);
  ask_.size = std::clamp<std::uint32_t>(ask_.size, packet_header_size, 1452);
}

void TrainDialogue::opened(Time now) {
  begin_ = now;
  seen_up_.resize(ask_.count);
  proceed(now);
}

void TrainDialogue::proceed(Time now) {
  for (std::uint32_t i = 0; i < kBatch && sent_ < ask_.count && begin_ + ask_.interval * sent_ <= now; ++i) {
    ++sent_;
    sent_at_.push_back(now);
    quiet_since_ = now;
    send_packet({.kind = Kind::echo, .number = sent_, .microseconds = static_cast<std::uint64_t>(now.count())},
                ask_.size);
  }
  if (sent_ == ask_.count && now >= *due()) request_report(1, now);
}

std::optional<Time> TrainDialogue::due() const {
  if (sent_ < ask_.count) return begin_ + ask_.interval * sent_;
  // The slowest so far, twice, and something for those that were not seen.
  const Duration slowest = rtts_.empty() ? rtt() : *std::ranges::max_element(rtts_);
  const bool all = rtts_.size() >= ask_.count;
  return quiet_since_ + (all ? std::chrono::milliseconds(20) : 2 * slowest + std::chrono::milliseconds(100));
}

void TrainDialogue::handle(const Packet& packet, std::size_t size, Time now) {
  if (packet.kind != Kind::echoed || packet.number == 0 || packet.number > sent_) return;
  const bool first = !down_.has(packet.parameter);
  down_.note(packet.parameter, size, now);
  quiet_since_ = std::max(quiet_since_, now);
  if (!first || rtts_.size() >= max_number) return;
  const Time sent = sent_at_[packet.number - 1];
  rtts_.push_back(now - sent);
  up_delays_.push_back(static_cast<std::int64_t>(packet.microseconds) - sent.count());
  down_delays_.push_back(now.count() - static_cast<std::int64_t>(packet.microseconds));
}

void TrainDialogue::reported(const Report& report, Time now) {
  for (std::uint32_t i = 0; i < numbers_per_report; ++i) {
    const auto number = report.base + i;
    if (number <= ask_.count && (report.seen[i / 8] >> i % 8 & 1) != 0) seen_up_[number - 1] = true;
  }
  report_ = report;
  if (report.base + numbers_per_report <= ask_.count) {
    request_report(report.base + numbers_per_report, now);
    return;
  }
  complete_ = true;
  finish();
}

measure::Finding TrainDialogue::finding() const {
  measure::Trained found;
  found.complete = complete_;
  found.up.sent = sent_;
  found.up.received = report_.received;
  found.up.duplicated = report_.duplicated;
  found.up.reordered = report_.reordered;
  found.up.jitter = jitter_of(up_delays_);
  const auto down = down_.report(1);
  found.down.sent = report_.returned;
  found.down.received = down.received;
  found.down.duplicated = down.duplicated;
  found.down.reordered = down.reordered;
  found.down.jitter = jitter_of(down_delays_);
  if (complete_) {
    for (std::uint32_t number = 1; number <= sent_ && found.up.lost.size() < kMostLost; ++number) {
      if (!seen_up_[number - 1]) found.up.lost.push_back(number);
    }
    const auto returned = std::min(report_.returned, max_number);
    for (std::uint32_t number = 1; number <= returned && found.down.lost.size() < kMostLost; ++number) {
      if (!down_.has(number)) found.down.lost.push_back(number);
    }
  }
  found.rtt_min = percentile(rtts_, 0);
  found.rtt_p50 = percentile(rtts_, 50);
  found.rtt_p95 = percentile(rtts_, 95);
  return found;
}

}  // namespace crypelab::probe
