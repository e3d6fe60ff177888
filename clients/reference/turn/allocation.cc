#include "clients/reference/turn/allocation.h"

namespace crypelab::client::turn {

using wire::StunAttribute;
using wire::StunMethod;

namespace {

constexpr std::uint8_t protocol_udp = 17;

Refusal broken(Refusal::Reason reason, std::string detail) { return {reason, 0, std::move(detail), std::nullopt}; }

}  // namespace

Allocation::Allocation(Settings settings, stun::LongTerm account, Random& random, stun::Output& out, Time now)
    : settings_(std::move(settings)),
      random_(random),
      requester_({.timing = settings_.timing, .misbehaviour = settings_.misbehaviour, .software = settings_.software},
                 std::move(account), random, out) {
  const auto fill = [families = settings_.families, lifetime = settings_.lifetime,
                     misbehaviour = settings_.misbehaviour](wire::StunWriter& request) {
    if (!misbehaviour.breaks(Rule::u01)) request.add_transport(protocol_udp);
    // §7.1: one or the other, never both; ADDITIONAL- is always IPv6.
    if (families == AddressFamilies::v6 || misbehaviour.breaks(Rule::u02)) {
      request.add_family(StunAttribute::requested_address_family, Family::v6);
    }
    if (families == AddressFamilies::both || misbehaviour.breaks(Rule::u02)) {
      request.add_family(StunAttribute::additional_address_family, Family::v6);
    }
    if (lifetime) {
      request.add_u32(StunAttribute::lifetime,
                      static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(*lifetime).count()));
    }
  };
  start({Purpose::Kind::allocate, {}}, StunMethod::allocate, fill, now);
}

void Allocation::start(Purpose purpose, StunMethod method, stun::Requester::Fill fill, Time now) {
  if (const auto id = requester_.start(method, std::move(fill), now); id != 0) purposes_[id] = purpose;
}

std::optional<PeerData> Allocation::receive(wire::Bytes message, Time now) {
  if (wire::looks_like_channel_data(message)) return from_channel(message, now);
  const auto parsed = wire::StunMessage::parse(message);
  if (!parsed) return std::nullopt;
  if (parsed->message_class() == wire::StunClass::indication) return from_indication(*parsed, now);
  if (const auto completion = requester_.receive(*parsed, now)) complete(*completion, now);
  return std::nullopt;
}

std::optional<PeerData> Allocation::from_channel(wire::Bytes message, Time now) const {
  const auto data = wire::parse_channel_data(message);
  if (!data || state_ != State::active) return std::nullopt;
  const auto* channel = peers_.channel(data->channel);
  if (channel == nullptr || !channel->bound || now >= channel->expires) return std::nullopt;  // §12.6
  return PeerData{channel->peer, data->payload};
}

std::optional<PeerData> Allocation::from_indication(const wire::StunMessage& message, Time now) const {
  if (state_ != State::active || message.method() != StunMethod::data) return std::nullopt;
  const auto peer = message.address(StunAttribute::xor_peer_address);
  const auto payload = message.find(StunAttribute::data);
  if (!peer || !payload) return std::nullopt;
  // §11.4: nobody without permission.
  if (!peers_.permitted(peer->address, now) && !settings_.misbehaviour.breaks(Rule::u21)) return std::nullopt;
  return PeerData{*peer, *payload};
}

wire::Bytes Allocation::encapsulate(std::span<std::uint8_t> out, const Endpoint& peer, wire::Bytes payload, Time now) {
  if (state_ != State::active) return {};
  if (const auto number = channel(peer, now)) {
    const bool pads = settings_.timing.reliable && !settings_.misbehaviour.breaks(Rule::u24);
    return wire::write_channel_data(out, *number, payload, pads ? wire::Padding::to_four : wire::Padding::none);
  }
  // §11.1: the permission is there before the data.
  if (!peers_.permitted(peer.address, now) && !settings_.misbehaviour.breaks(Rule::u20)) return {};
  wire::StunWriter writer(out, wire::StunClass::indication, StunMethod::send, random_.bytes<12>());
  return writer.add_address(StunAttribute::xor_peer_address, peer).add(StunAttribute::data, payload).bytes();
}

std::optional<std::uint16_t> Allocation::channel(const Endpoint& peer, Time now) const {
  const auto* found = peers_.channel(peer);
  if (state_ != State::active || found == nullptr || !found->bound || now >= found->expires) return std::nullopt;
  return found->number;
}

void Allocation::wake(Time now) {
  while (auto completion = requester_.wake(now)) complete(*completion, now);
  if (state_ == State::active) renew(now);
}

std::optional<Time> Allocation::next() const {
  auto first = requester_.next();
  if (state_ != State::active) return first;
  const bool heeds_end = !settings_.misbehaviour.breaks(Rule::u16) && !settings_.misbehaviour.breaks(Rule::u13);
  if (heeds_end) first = earlier(first, expires_);
  if (!refreshing_ && !settings_.misbehaviour.breaks(Rule::u13)) first = earlier(first, refresh_at_);
  if (!settings_.misbehaviour.breaks(Rule::u18)) {
    for (const auto& permission : peers_.permissions()) {
      if (permission.granted && !permission.asking) first = earlier(first, permission.renew);
    }
    for (const auto& channel : peers_.channels()) {
      if (channel.bound && !channel.asking) first = earlier(first, channel.renew);
    }
  }
  return first;
}

std::optional<Event> Allocation::poll() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void Allocation::renew(Time now) {
  const auto& misbehaviour = settings_.misbehaviour;
  if (now >= expires_ && !misbehaviour.breaks(Rule::u16) && !misbehaviour.breaks(Rule::u13)) {
    return lose(broken(Refusal::Reason::expired, "the allocation ran out before it was refreshed"));
  }
  if (now >= refresh_at_ && !refreshing_ && !misbehaviour.breaks(Rule::u13)) {
    refreshing_ = true;
    const auto fill = [lifetime = lifetime_, bad = misbehaviour.breaks(Rule::u17)](wire::StunWriter& request) {
      if (bad) request.add_text(StunAttribute::username, "somebody-else");
      request.add_u32(StunAttribute::lifetime,
                      static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(lifetime).count()));
    };
    start({Purpose::Kind::refresh, {}}, StunMethod::refresh, fill, now);
  }
  if (misbehaviour.breaks(Rule::u18)) return;
  for (auto& permission : peers_.permissions()) {
    if (permission.granted && !permission.asking && now >= permission.renew) ask_permission(permission, now);
  }
  for (auto& channel : peers_.channels()) {
    if (channel.bound && !channel.asking && now >= channel.renew) ask_channel(channel, now);
  }
}

void Allocation::permit(const Address& peer, Time now) {
  if (state_ != State::active) return;
  const Endpoint name{peer, 0};
  auto* permission = peers_.permission(peer);
  if (permission != nullptr) {
    if (permission->granted && now < permission->expires) events_.push_back({Event::Kind::permitted, name, {}});
    return;
  }
  // §10.1: the family of the relayed address.
  if (!relayed(peer.family())) {
    events_.push_back(
        {Event::Kind::permission_refused, name, broken(Refusal::Reason::family, "no relayed address of that family")});
    return;
  }
  permission = peers_.add_permission(peer);
  if (permission == nullptr) {
    events_.push_back({Event::Kind::permission_refused, name,
                       broken(Refusal::Reason::forbidden, "too many peers for one allocation")});
    return;
  }
  ask_permission(*permission, now);
}

void Allocation::forget(const Address& peer) { peers_.drop_permission(peer); }

void Allocation::ask_permission(Peers::Permission& permission, Time now) {
  permission.asking = true;
  const Endpoint peer{permission.peer, 0};
  const auto fill = [peer, bad = settings_.misbehaviour.breaks(Rule::u19)](wire::StunWriter& request) {
    if (!bad) request.add_address(StunAttribute::xor_peer_address, peer);
  };
  start({Purpose::Kind::permission, peer}, StunMethod::create_permission, fill, now);
}

void Allocation::bind(const Endpoint& peer, Time now) {
  if (state_ != State::active || !relayed(peer.address.family())) return;
  if (!settings_.channels) return permit(peer.address, now);
  auto* channel = peers_.channel(peer);
  if (channel == nullptr) {
    std::uint16_t number = next_channel_;
    if (settings_.misbehaviour.breaks(Rule::u22)) number = 0x5000;
    channel = peers_.add_channel(peer, number);
    if (channel == nullptr) return events_.push_back({Event::Kind::channel_refused, peer, {}});
    if (!settings_.misbehaviour.breaks(Rule::u23)) ++next_channel_;
  }
  if (!channel->bound && !channel->asking && !channel->refused) ask_channel(*channel, now);
}

void Allocation::ask_channel(Peers::Channel& channel, Time now) {
  channel.asking = true;
  const auto fill = [peer = channel.peer, number = channel.number](wire::StunWriter& request) {
    request.add_channel(number).add_address(StunAttribute::xor_peer_address, peer);
  };
  start({Purpose::Kind::channel, channel.peer}, StunMethod::channel_bind, fill, now);
}

void Allocation::transport_lost(Time now) {
  requester_.transport_lost(now);
  if (state_ == State::active && !settings_.misbehaviour.breaks(Rule::s05)) {
    lose(broken(Refusal::Reason::transport_lost, "the connection to the server is gone"));
  }
}

void Allocation::close(Time now) {
  close_wanted_ = true;
  if (state_ == State::active) remove(now);
}

void Allocation::remove(Time now) {
  if (settings_.misbehaviour.breaks(Rule::u14)) {
    state_ = State::done;
    events_.push_back({Event::Kind::closed, {}, {}});
    return;
  }
  state_ = State::closing;
  // What else was under way does not matter any more.
  for (const auto& [id, purpose] : purposes_) requester_.cancel(id);
  purposes_.clear();
  const auto fill = [](wire::StunWriter& request) { request.add_u32(StunAttribute::lifetime, 0); };
  start({Purpose::Kind::remove, {}}, StunMethod::refresh, fill, now);
}

void Allocation::lose(Refusal refusal) {
  for (const auto& [id, purpose] : purposes_) requester_.cancel(id);
  purposes_.clear();
  state_ = State::done;
  events_.push_back({Event::Kind::lost, {}, std::move(refusal)});
}

void Allocation::granted(Duration lifetime, Time now) {
  lifetime_ = settings_.misbehaviour.breaks(Rule::u05) ? Duration(600s) : lifetime;
  expires_ = now + lifetime_;
  // §8: about one minute early; of a short one at half-time.
  refresh_at_ = now + (lifetime_ >= 2min ? lifetime_ - Duration(1min) : lifetime_ / 2);
}

}  // namespace crypelab::client::turn
