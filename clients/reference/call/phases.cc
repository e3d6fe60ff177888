#include "clients/reference/call/phases.h"

#include "harness/base/overloaded.h"

#include <algorithm>

namespace crypelab::client::call {

using job::Delivery;
using job::Direction;
using job::Traffic;
using measure::Kind;
using measure::TestHeader;

namespace {

constexpr Duration echo_patience = 2s;     // for the last echoes
constexpr Duration silence_is_end = 1s;    // after which what is missing of an ended sequence is lost
constexpr Duration stall_is_end = 6s;      // the same where nothing gets lost, but waits for SCTP's timers
constexpr Duration report_patience = 10s;  // for the other side's count
constexpr std::uint64_t most_unanswered = 64;
constexpr std::size_t most_echoes = 4'096;
constexpr unsigned most_at_once = 64;

struct Pace {
  Duration interval{0};
  std::uint32_t size = 0;
};
// In the manner of Opus at 20 ms, and of video at 1.1 Mbit/s.
Pace pace_of(Traffic traffic) {
  switch (traffic) {
    case Traffic::audio:
      return {20ms, 160};
    case Traffic::video:
      return {8ms, 1'100};
    case Traffic::silent:
      break;
  }
  return {};
}

std::uint64_t microseconds(Time now) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<Duration>(now.time_since_epoch()).count());
}

// Whether this side sends in a phase whose direction the caller sees so.
bool sends(const job::Throughput& work, bool caller) {
  return work.direction == Direction::both || (work.direction == Direction::send) == caller;
}
bool receives(const job::Throughput& work, bool caller) { return sends(work, !caller); }

// When what has not arrived of an ended sequence counts as lost.
Time end_of(const Phase& phase) {
  const auto* const throughput = std::get_if<job::Throughput>(&phase.work);
  const bool reliable = throughput != nullptr && throughput->delivery == Delivery::ordered;
  const auto last = phase.arrivals.received() == 0 ? phase.began : phase.arrivals.last();
  return last + (reliable ? stall_is_end : silence_is_end);
}

}  // namespace

Phases::Phases(bool caller, std::vector<job::Work> work, Output& out)
    : caller_(caller), work_(std::move(work)), out_(out) {}

void Phases::start(Time now) {
  if (caller_) begin_next(now);
}

void Phases::tell(Control control) {
  unsent_.push_back(std::move(control));
  flush();
}

void Phases::flush() {
  while (!unsent_.empty() && out_.send_control(unsent_.front())) unsent_.pop_front();
  while (!echoes_.empty() && out_.send_data(echoes_.front().first, echoes_.front().second)) echoes_.pop_front();
  blocked_ = !unsent_.empty() || !echoes_.empty();
}

void Phases::begin_next(Time now) {
  phase_.reset();
  if (next_work_ == work_.size()) {
    done_ = true;
    step_ = Step::idle;
    return;
  }
  phase_ = Phase();
  phase_->number = static_cast<std::uint16_t>(next_work_);
  phase_->work = work_[next_work_++];
  phase_->began = now;
  step_ = Step::asking;
  tell({.type = Control::Type::begin, .phase = phase_->number, .work = phase_->work});
}

void Phases::run(Time now) {
  step_ = Step::running;
  auto& phase = *phase_;
  phase.began = phase.next_send = now;
  std::visit(Overloaded{[&](const job::Echo&) { phase.sending = caller_; },
                        [&](const job::Throughput& work) { phase.sending = sends(work, caller_); },
                        [&](const job::Hold& work) {
                          phase.sending = true;
                          if (work.traffic != Traffic::silent) phase.gaps.emplace(now);
                        }},
             phase.work);
  wake(now);
}

void Phases::control(const Control& control, Time now) {
  if (control.type == Control::Type::begin && !caller_) {
    if (phase_) finish(now);
    phase_ = Phase();
    phase_->number = control.phase;
    phase_->work = control.work;
    tell({.type = Control::Type::ready, .phase = control.phase});
    return run(now);
  }
  if (!phase_ || control.phase != phase_->number) return;
  if (control.type == Control::Type::ready && caller_ && step_ == Step::asking) return run(now);
  if (control.type == Control::Type::end) {
    phase_->peer_sent = control.sent;
    // From now on silence is no gap.
    if (phase_->gaps) note(phase_->gaps->finish(now));
    phase_->gaps.reset();
  }
  if (control.type == Control::Type::report) phase_->report = control.report;
  wake(now);
}

void Phases::data(wire::Bytes message, Delivery delivery, Time now) {
  const auto header = TestHeader::parse(message);
  if (!header) return;
  if (header->kind == Kind::echo_request) {
    if (caller_ || echoes_.size() >= most_echoes) return;
    std::vector<std::uint8_t> reply(message.begin(), message.end());
    auto answer = *header;
    answer.kind = Kind::echo_reply;
    answer.write(reply);
    echoes_.emplace_back(delivery, std::move(reply));
    return flush();
  }
  if (!phase_ || header->phase != phase_->number) return;  // data may overtake `ready`, which goes over another stream
  auto& phase = *phase_;
  if (header->kind == Kind::echo_reply) {
    if (!std::holds_alternative<job::Echo>(phase.work) || header->sequence >= phase.sent) return;
    if (!phase.arrivals.take(header->sequence, message.size(), now)) return;
    phase.round_trips.record(Duration(static_cast<std::int64_t>(microseconds(now) - header->microseconds)));
    return wake(now);
  }
  if (!phase.arrivals.take(header->sequence, message.size(), now)) return;
  if (phase.gaps) note(phase.gaps->arrived(now));
  if (phase.peer_sent) wake(now);
}

bool Phases::send_one(Time now, Kind kind, std::uint32_t size, Delivery delivery) {
  buffer_.resize(size);
  TestHeader{.kind = kind,
             .phase = phase_->number,
             .length = size,
             .sequence = phase_->sent,
             .microseconds = microseconds(now)}
      .write(buffer_);
  if (!out_.send_data(delivery, buffer_)) {
    blocked_ = true;
    return false;
  }
  ++phase_->sent;
  return true;
}

void Phases::send_due(Time now) {
  auto& phase = *phase_;
  if (const auto* const echo = std::get_if<job::Echo>(&phase.work)) {
    while (phase.sent < echo->count && now >= phase.next_send) {
      if (phase.sent - phase.arrivals.received() >= most_unanswered && echo->interval.count() == 0) return;
      if (!send_one(now, Kind::echo_request, echo->size, echo->delivery)) return;
      phase.next_send += echo->interval;
    }
    if (phase.sent == echo->count) stop_sending(now);
  } else if (const auto* const throughput = std::get_if<job::Throughput>(&phase.work)) {
    if (now >= phase.began + throughput->time) return stop_sending(now);
    for (unsigned i = 0; i < most_at_once; ++i) {
      if (!send_one(now, Kind::throughput, throughput->size, throughput->delivery)) return;
    }
    phase.next_send = now;
  } else {
    const auto& hold = std::get<job::Hold>(phase.work);
    const auto pace = pace_of(hold.traffic);
    if (now >= phase.began + hold.time) return stop_sending(now);
    if (hold.traffic == Traffic::silent) {
      phase.next_send = phase.began + hold.time;
      return;
    }
    while (now >= phase.next_send) {
      // What cannot go while the path is down is not made up for.
      if (!send_one(now, Kind::hold, pace.size, Delivery::unordered_unreliable)) blocked_ = false;
      phase.next_send += pace.interval;
      if (phase.next_send + 1s < now) phase.next_send = now;
    }
  }
}

void Phases::stop_sending(Time now) {
  phase_->sending = false;
  phase_->ended = now;
  step_ = Step::draining;
  if (!std::holds_alternative<job::Echo>(phase_->work)) {
    tell({.type = Control::Type::end, .phase = phase_->number, .sent = phase_->sent});
  }
}

void Phases::wake(Time now) {
  flush();
  if (!phase_ || step_ == Step::asking || step_ == Step::idle) return;
  if (phase_->sending && now >= phase_->next_send) send_due(now);
  if (phase_->peer_sent) report_if_complete(now);
  if (phase_ && !phase_->sending) watch_end(now);
}

// The other side has sent everything: what is missing after a while is lost.
void Phases::report_if_complete(Time now) {
  auto& phase = *phase_;
  if (phase.reported) return;
  const auto& arrivals = phase.arrivals;
  const bool all = arrivals.received() >= *phase.peer_sent;
  if (!all && now < end_of(phase)) return;
  phase.reported = true;
  const Report report{arrivals.received(), arrivals.bytes(), static_cast<std::uint64_t>(arrivals.span().count()),
                      arrivals.reordered(), arrivals.duplicated()};
  tell({.type = Control::Type::report, .phase = phase.number, .report = report});
  if (std::holds_alternative<job::Throughput>(phase.work)) {
    out_.measured({.sending = false, .sent = *phase.peer_sent, .report = report});
  }
}

// Whether this side waits for the other's sequence in this phase.
bool Phases::awaits_stream() const {
  const auto* const throughput = std::get_if<job::Throughput>(&phase_->work);
  if (throughput != nullptr) return receives(*throughput, caller_);
  return std::holds_alternative<job::Hold>(phase_->work);
}

void Phases::watch_end(Time now) {
  auto& phase = *phase_;
  if (const auto* const echo = std::get_if<job::Echo>(&phase.work)) {
    if (!caller_) return;  // ends when the next one begins
    const auto patience = std::max<Duration>(echo_patience, phase.round_trips.max() * 3);
    if (phase.arrivals.received() < phase.sent && now < phase.ended + patience) return;
    out_.echoed({.sent = phase.sent, .round_trips = phase.round_trips});
    return begin_next(now);
  }
  const auto* const throughput = std::get_if<job::Throughput>(&phase.work);
  const bool sent_something = throughput == nullptr || sends(*throughput, caller_);
  const bool told = !sent_something || phase.report || now >= phase.ended + report_patience;
  const bool heard = !awaits_stream() || phase.reported || (sent_something && now >= phase.ended + report_patience);
  if (!told || !heard) return;
  if (sent_something && throughput != nullptr && phase.report) {
    out_.measured({.sending = true, .sent = phase.sent, .report = *phase.report});
  }
  finish(now);
}

void Phases::finish(Time now) {
  if (phase_->gaps) note(phase_->gaps->finish(now));
  if (phase_->down) note(Gap{*phase_->down, std::chrono::duration_cast<Duration>(now - *phase_->down), std::nullopt});
  phase_.reset();
  step_ = Step::idle;
  if (caller_) begin_next(now);
}

std::optional<Time> Phases::next() const {
  if (!phase_ || step_ == Step::asking || step_ == Step::idle) return std::nullopt;
  const auto& phase = *phase_;
  std::optional<Time> first;
  if (phase.sending && !blocked_) first = phase.next_send;
  const auto* const throughput = std::get_if<job::Throughput>(&phase.work);
  if (throughput != nullptr && phase.sending) first = earlier(first, phase.began + throughput->time);
  if (phase.peer_sent && !phase.reported) first = earlier(first, end_of(phase));
  if (!phase.sending && phase.ended != Time{}) {
    const bool echo = std::holds_alternative<job::Echo>(phase.work);
    if (echo && caller_)
      first = earlier(first, phase.ended + std::max<Duration>(echo_patience, phase.round_trips.max() * 3));
    if (!echo) first = earlier(first, phase.ended + report_patience);
  }
  return first;
}

void Phases::path_changed(Recovery how) {
  if (phase_ && phase_->gaps) phase_->gaps->changed(how);
}

std::optional<Time> Phases::last_arrival() const {
  return phase_ && phase_->gaps ? std::optional(phase_->gaps->last()) : std::nullopt;
}

void Phases::path_down(Time now) {
  if (!phase_ || phase_->gaps || phase_->down) return;
  if (std::holds_alternative<job::Hold>(phase_->work)) phase_->down = now;
}

void Phases::path_up(Time now) {
  if (!phase_ || !phase_->down) return;
  note(Gap{*phase_->down, std::chrono::duration_cast<Duration>(now - *phase_->down), Recovery::restart});
  phase_->down.reset();
}

void Phases::note(const std::optional<Gap>& gap) {
  if (!gap) return;
  out_.interrupted(*gap);
  const auto* const hold = std::get_if<job::Hold>(&phase_->work);
  if (!gap->recovered_by || (hold != nullptr && hold->max_gap && gap->length > *hold->max_gap)) failed_ = true;
}

}  // namespace crypelab::client::call
