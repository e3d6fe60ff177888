#include "harness/probe/rate_dialogue.h"

#include <algorithm>

namespace crypelab::probe {
namespace {

constexpr std::uint32_t kBatch = 64;
constexpr std::uint64_t kPacketsPerSecond = 400;  // so many at least, down to the smallest size, so that bins are even
constexpr Duration kQuiet = std::chrono::milliseconds(300);

// What is still in a queue needs its time. A short measurement is over when as little is missing as it can tell: the
// request for the report waits in the same queue.
Duration quiet_after(const measure::Rate& ask) {
  return ask.time < std::chrono::milliseconds(500) ? std::min<Duration>(ask.time / 4, std::chrono::milliseconds(20))
                                                   : kQuiet;
}

}  // namespace

RateDialogue::RateDialogue(const measure::Rate& ask) : SessionDialogue(ask.to), ask_(ask) {
  const auto bytes_per_second = std::max<std::uint64_t>(ask.offered.bits_per_second / 8, 1000);
  size_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(bytes_per_second / kPacketsPerSecond, 128, 1200));
  const std::uint64_t on_wire = size_ + overhead();
  interval_ = std::max<Duration>(Duration(on_wire * 1'000'000 / bytes_per_second), Duration(1));
  count_ = static_cast<std::uint32_t>(std::clamp<std::int64_t>(ask.time / interval_, 1, max_number));
}

void RateDialogue::opened(Time now) {
  begin_ = now;
  proceed(now);
}

void RateDialogue::proceed(Time now) {
  if (ask_.way == measure::Way::up) {
    for (std::uint32_t i = 0; i < kBatch && sent_ < count_ && begin_ + interval_ * sent_ <= now; ++i) {
      send_packet({.kind = Kind::data, .number = ++sent_}, size_);
    }
    // A machine that cannot send so much ends in time all the same.
    if (now - begin_ > interval_ * count_) count_ = sent_;
    if (sent_ == count_ && now >= *due()) request_report(1, now);
    return;
  }
  if (now < *due()) return;
  if (down_.received() == 0) {  // also when the request was lost
    send_packet({.kind = Kind::source,
                 .number = count_,
                 .parameter = size_,
                 .microseconds = static_cast<std::uint64_t>(interval_.count())});
    begin_ = now;
    asked_again_ = true;
  } else {
    complete_ = true;
    finish();
  }
}

std::optional<Time> RateDialogue::due() const {
  if (ask_.way == measure::Way::up) {
    return begin_ + interval_ * std::min(sent_, count_) + (sent_ < count_ ? Duration(0) : rtt() + quiet_after(ask_));
  }
  if (down_.received() > 0 && down_.highest() == count_) return down_.last();
  if (down_.received() > 0) return std::max(down_.last() + quiet_after(ask_), begin_ + ask_.time);
  return asked_again_ ? begin_ + 2 * rtt() + kQuiet : begin_;
}

void RateDialogue::handle(const Packet& packet, std::size_t size, Time now) {
  if (packet.kind == Kind::data) down_.note(packet.number, size, now);
}

void RateDialogue::reported(const Report& report, Time /*now*/) {
  report_ = report;
  complete_ = true;
  finish();
}

measure::Finding RateDialogue::finding() const {
  const auto report = ask_.way == measure::Way::up ? report_ : down_.report(1);
  const double rate = steady_rate(report.bins);
  measure::Rated found;
  found.complete = complete_;
  found.goodput = {static_cast<std::uint64_t>(rate * 8)};
  found.wire = {static_cast<std::uint64_t>(rate * 8 * (size_ + overhead()) / size_)};
  found.sent = std::uint64_t{ask_.way == measure::Way::up ? sent_ : count_} * size_;
  found.received = report.bytes;
  return found;
}

}  // namespace crypelab::probe
