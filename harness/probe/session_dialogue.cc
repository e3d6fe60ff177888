#include "harness/probe/session_dialogue.h"

namespace crypelab::probe {

void SessionDialogue::send_packet(Packet packet, std::size_t size, bool whole) {
  packet.session = session_;
  send(0, to_, encode_packet(packet, size), whole);
}

void SessionDialogue::wake(Time now) {
  if (done_) return;
  if (is_open() && !reporting_) {
    proceed(now);
    return;
  }
  if (!retry_.due(now)) return;
  if (reporting_) {
    send_packet({.kind = Kind::report_request, .parameter = base_});
  } else {
    hello_times_.push_back(now);
    send_packet({.kind = Kind::hello, .number = ++hellos_});
  }
  retry_.sent(now);
}

std::optional<Time> SessionDialogue::next() const {
  if (done_) return std::nullopt;
  return is_open() && !reporting_ ? due() : retry_.at();
}

void SessionDialogue::request_report(std::uint32_t base, Time now) {
  reporting_ = true;
  base_ = base;
  retry_ = Retry();
  wake(now);
}

void SessionDialogue::receive(unsigned /*socket*/, const Endpoint& from, wire::Bytes bytes, Time now) {
  const auto packet = decode_packet(bytes);
  if (!packet || from != to_ || done_) return;
  if (!is_open()) {
    if (packet->kind != Kind::welcome || packet->session == 0) return;
    session_ = packet->session;
    if (packet->number >= 1 && packet->number <= hello_times_.size()) rtt_ = now - hello_times_[packet->number - 1];
    opened(now);
    return;
  }
  if (packet->session != session_) return;
  if (packet->kind == Kind::report) {
    const auto report = decode_report(bytes);
    if (!report || !reporting_ || report->base != (base_ - 1) / 8 * 8 + 1) return;
    reporting_ = false;
    reported(*report, now);
    return;
  }
  handle(*packet, bytes.size(), now);
}

}  // namespace crypelab::probe
