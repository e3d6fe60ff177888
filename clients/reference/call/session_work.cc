// What goes over the data channels: proofs, phases, and their results.
#include "clients/reference/call/session.h"

namespace crypelab::client::call {

using datachannel::ChannelId;
using job::Delivery;
using Type = Control::Type;

namespace {

constexpr Duration last_words = 2s;  // for the peer's goodbye

double milliseconds(Duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

datachannel::ChannelSettings settings_for(Delivery delivery) {
  const bool ordered = delivery == Delivery::ordered;
  return {.label = "crype-data", .ordered = ordered, .reliable = ordered};
}

}  // namespace

void Session::channel_opened(const datachannel::Event& event, Time) {
  open_channels_.insert(event.channel);
  if (event.settings.label == "crype-control") {
    control_channel_ = event.channel;
    if (!proof_sent_) proof_sent_ = send_control({.type = Type::proof, .proof = job_.proof});
  } else if (event.settings.label == "crype-data") {
    const auto delivery = event.settings.ordered ? Delivery::ordered : Delivery::unordered_unreliable;
    data_channels_[delivery] = event.channel;
    data_deliveries_[event.channel] = delivery;
  }
}

void Session::received(const datachannel::Event& event, Time now) {
  if (control_channel_ && event.channel == *control_channel_) {
    const auto control = parse_control(wire::text_of(event.data));
    if (control) take_control(*control, now);
    return;
  }
  const auto known = data_deliveries_.find(event.channel);
  if (known != data_deliveries_.end()) phases_.data(event.data, known->second, now);
}

void Session::take_control(const Control& control, Time now) {
  if (control.type == Type::proof) {
    if (connected_) return;
    connected_ = true;
    marks_.connected = now;
    reporter_.connected(control.proof);
    report_breakdown(now);
    phases_.start(now);
  } else if (control.type == Type::bye) {
    if (!caller_ && !leaving_) {
      leaving_ = true;
      send_control({.type = Type::bye});
      leave_by_ = now + last_words;
    } else if (caller_ && leaving_) {
      finish(!phases_.failed(), "done");
    }
    return;
  } else if (connected_) {
    phases_.control(control, now);
  }
}

void Session::say_goodbye(Time now) {
  leaving_ = true;
  leave_by_ = now + last_words;
  send_control({.type = Type::bye});
}

bool Session::send_control(const Control& control) {
  if (!connection_ || !control_channel_) return false;
  return connection_->send(*control_channel_, wire::bytes_of(to_text(control)), true);
}

bool Session::send_data(Delivery delivery, wire::Bytes message) {
  if (!connection_) return false;
  auto known = data_channels_.find(delivery);
  if (known == data_channels_.end()) {
    // The caller opens one of each kind when it first needs it; the callee uses what it is given.
    if (!caller_) return false;
    known = data_channels_.emplace(delivery, connection_->open(settings_for(delivery))).first;
    data_deliveries_[known->second] = delivery;
  }
  if (!connection_->send(known->second, message, false, send_window_.room())) {
    send_window_.refused();
    return false;
  }
  send_window_.took(message.size(), Time::clock::now());
  return true;
}

void Session::echoed(const EchoResult& result) {
  const auto& times = result.round_trips;
  reporter_.echo(result.sent, times.count(),
                 {.min = milliseconds(times.min()),
                  .p50 = milliseconds(times.quantile(0.5)),
                  .p95 = milliseconds(times.quantile(0.95)),
                  .p99 = milliseconds(times.quantile(0.99)),
                  .max = milliseconds(times.max())});
}

void Session::measured(const ThroughputResult& result) {
  const auto& counted = result.report;
  const double seconds = static_cast<double>(counted.microseconds) / 1e6;
  reporter_.throughput({.direction = result.sending ? "send" : "receive",
                        .bytes = counted.bytes,
                        .seconds = seconds,
                        .goodput_bps = seconds > 0 ? static_cast<double>(counted.bytes) * 8 / seconds : 0,
                        .sent = result.sent,
                        .received = counted.received,
                        .lost = result.sent > counted.received ? result.sent - counted.received : 0,
                        .reordered = counted.reordered,
                        .duplicated = counted.duplicated});
}

void Session::interrupted(const Gap& gap) {
  reporter_.gap(gap.begin, gap.length, gap.recovered_by ? name_of(*gap.recovered_by) : "never");
}

void Session::report_breakdown(Time now) {
  const auto from = [](const std::optional<Time>& begin, const std::optional<Time>& end) -> std::optional<Duration> {
    if (!begin || !end) return std::nullopt;
    return std::chrono::duration_cast<Duration>(*end - *begin);
  };
  const std::optional<Time> start = reporter_.start();
  event::Breakdown parts{.signaling = from(start, marks_.link),
                         .gathering = from(start, marks_.gathered),
                         .offer = from(marks_.link, marks_.described),
                         .checks = from(marks_.described, marks_.selected),
                         .dtls = from(marks_.selected, marks_.secure),
                         .sctp = from(marks_.secure, now),
                         .total = from(start, now)};
  if (const auto& times = link_->times()) {
    parts.proxy = times->choice + times->proxy;
    parts.tls = times->tls;
  }
  reporter_.breakdown(parts);
}

}  // namespace crypelab::client::call
