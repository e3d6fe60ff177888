#include "clients/reference/datachannel/connection.h"

namespace crypelab::client::datachannel {

Connection::Connection(const Settings& settings, const Certificate& certificate, Output& out)
    : settings_(settings), out_(out), dtls_(settings.dtls, certificate) {}

void Connection::start(Time now) {
  dtls_.start(now);
  pump(now);
}

void Connection::receive(wire::Bytes datagram, Time now) {
  dtls_.receive(datagram, now);
  pump(now);
}

void Connection::wake(Time now) {
  dtls_.wake(now);
  SctpStack::instance().advance(now);
  if (sctp_) sctp_->collect();
  pump(now);
}

std::optional<Time> Connection::next() const {
  auto first = dtls_.next();
  if (sctp_ && sctp_->state() != Sctp::State::closed) first = earlier(first, SctpStack::instance().next());
  return first;
}

void Connection::sctp_packet(wire::Bytes packet) {
  dtls_.send(packet);
  flush();
}

void Connection::flush() {
  for (auto datagram = dtls_.poll_datagram(); !datagram.empty(); datagram = dtls_.poll_datagram()) {
    out_.send_datagram(datagram);
  }
}

void Connection::pump(Time) {
  flush();
  if (dtls_.state() == Dtls::State::up && !sctp_) {
    event(Event::Kind::secure);
    Sctp::Output& self = *this;
    sctp_.emplace(settings_.sctp, self);
  }
  for (auto packet = dtls_.poll_message(); !packet.empty(); packet = dtls_.poll_message()) {
    if (sctp_) sctp_->receive(packet);
  }
  if (sctp_) {
    if (sctp_->state() == Sctp::State::up && !told_up_) {
      told_up_ = true;
      event(Event::Kind::up);
    }
    while (auto message = sctp_->poll()) take(std::move(*message));
    while (const auto stream = sctp_->poll_reset()) {
      // RFC 8831 §6.7: a channel is closed in both directions.
      if (channels_.erase(*stream) == 0) continue;
      sctp_->reset(*stream);
      event(Event::Kind::channel_closed).channel = *stream;
    }
    announce();
  }
  flush();
  if (told_end_) return;
  const bool lost = sctp_ && sctp_->state() == Sctp::State::closed;
  if (dtls_.state() == Dtls::State::failed) {
    told_end_ = true;
    event(Event::Kind::failed).reason = dtls_.failure();
  } else if (dtls_.state() == Dtls::State::closed || lost) {
    told_end_ = true;
    event(Event::Kind::closed).reason = lost ? sctp_->failure() : "the peer said goodbye";
  }
}

void Connection::announce() {
  if (!up()) return;
  for (auto& [id, channel] : channels_) {
    if (channel.asked) continue;
    const auto message = open_message(channel.settings);
    if (!sctp_->send(message, {.stream = id, .payload = Payload::dcep})) return;
    channel.asked = true;
    auto& opened = event(Event::Kind::channel_open);
    opened.channel = id;
    opened.settings = channel.settings;
  }
}

ChannelId Connection::open(const ChannelSettings& settings) {
  // RFC 8832 §6: the active side has the even streams.
  ChannelId id = settings_.dtls.role == Dtls::Role::active ? 0 : 1;
  while (channels_.contains(id)) id = static_cast<ChannelId>(id + 2);
  channels_[id] = {.settings = settings, .opened_here = true};
  announce();
  flush();
  return id;
}

bool Connection::send(ChannelId id, wire::Bytes message, bool text, std::uint64_t room) {
  const auto found = channels_.find(id);
  if (found == channels_.end() || !up() || !found->second.asked) return false;
  const auto& channel = found->second;
  Carriage carriage{.stream = id,
                    .payload = text ? Payload::text : Payload::binary,
                    .ordered = channel.settings.ordered || !channel.acknowledged};
  if (!channel.settings.reliable) {
    if (channel.settings.timed) {
      carriage.lifetime_ms = channel.settings.lifetime_ms;
    } else {
      carriage.retransmissions = channel.settings.retransmissions;
    }
  }
  // RFC 8831 §6.6: SCTP has no empty messages.
  const std::uint8_t nothing = 0;
  if (message.empty()) {
    carriage.payload = text ? Payload::empty_text : Payload::empty_binary;
    message = {&nothing, 1};
  }
  const bool sent = sctp_->send(message, carriage, room);
  flush();
  return sent;
}

void Connection::take(Sctp::Message message) {
  const auto payload = static_cast<Payload>(message.payload);
  if (payload == Payload::dcep) return take_control(message);
  const auto found = channels_.find(message.stream);
  if (found == channels_.end()) return;
  // Data of a channel that was asked for here can only come when the peer knows of it.
  found->second.acknowledged = true;
  const bool text = payload == Payload::text || payload == Payload::empty_text;
  const bool empty = payload == Payload::empty_text || payload == Payload::empty_binary;
  if (!text && !empty && payload != Payload::binary) return;
  auto& received = event(Event::Kind::message);
  received.channel = message.stream;
  received.text = text;
  if (!empty) received.data = std::move(message.data);
}

void Connection::take_control(const Sctp::Message& message) {
  const auto control = parse_channel_message(message.data);
  if (!control) return;
  const auto found = channels_.find(message.stream);
  if (std::holds_alternative<ChannelAck>(*control)) {
    if (found != channels_.end()) found->second.acknowledged = true;
    return;
  }
  const bool odd = message.stream % 2 == 1;
  const bool theirs = odd == (settings_.dtls.role == Dtls::Role::active);
  if (found != channels_.end() || !theirs || channels_.size() >= most_channels) return;
  const auto& settings = std::get<ChannelSettings>(*control);
  channels_[message.stream] = {.settings = settings, .asked = true, .acknowledged = true};
  sctp_->send(ack_message(), {.stream = message.stream, .payload = Payload::dcep});
  auto& opened = event(Event::Kind::channel_open);
  opened.channel = message.stream;
  opened.settings = settings;
}

void Connection::close() {
  if (sctp_) sctp_->abort();
  dtls_.close();
  flush();
  told_end_ = true;
}

Event& Connection::event(Event::Kind kind) {
  events_.push_back({.kind = kind});
  return events_.back();
}

std::optional<Event> Connection::poll() {
  if (events_.empty()) return std::nullopt;
  auto first = std::move(events_.front());
  events_.pop_front();
  return first;
}

}  // namespace crypelab::client::datachannel
