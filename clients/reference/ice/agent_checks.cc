// What an agent sends and what the answers and the peer's own checks mean (RFC 8445 §7).
#include "clients/reference/ice/agent.h"

#include <algorithm>

namespace crypelab::client::ice {

using Type = wire::IceCandidate::Type;
using Transport = wire::IceCandidate::Transport;
using TcpType = wire::IceCandidate::TcpType;
using PairState = CandidatePair::State;
using wire::StunClass;

namespace {

constexpr std::size_t most_checks = 512;
constexpr std::size_t most_early = 32;
constexpr std::size_t largest_message = 4'096;  // no check comes near; a hostile one must not cost time
constexpr std::size_t most_reflexive = 8;       // for one base and one address of the peer

}  // namespace

void Agent::send_packet(const Route& route, wire::Bytes packet) {
  const auto stream = streams_.find(route);
  if (stream == streams_.end()) return out_.send(route, packet);
  if (!stream->second.up || packet.size() > 0xFFFF) return;
  const auto prefix = wire::length_prefix(packet.size());
  frame_.assign(prefix.begin(), prefix.end());
  frame_.insert(frame_.end(), packet.begin(), packet.end());
  out_.send(route, frame_);
}

void Agent::begin_check(CandidatePair& pair, Time now) {
  if (pair.state != PairState::succeeded) pair.state = PairState::in_progress;
  if (pair.is_tcp()) {
    const auto known = streams_.find(pair.route);
    if (known == streams_.end()) {
      if (pair.local.tcp_type == TcpType::passive || streams_.size() >= most_streams) return fail(pair, now);
      streams_[pair.route].since = now;
      return out_.connect(pair.route);
    }
    if (!known->second.up) return;  // the check follows the handshake
  }
  transmit_check(pair, now);
}

void Agent::transmit_check(CandidatePair& pair, Time now) {
  if (checks_.size() >= most_checks) {
    const auto old = std::find_if(checks_.begin(), checks_.end(), [](const Check& check) { return check.cancelled; });
    checks_.erase(old != checks_.end() ? old : checks_.begin());
  }
  stun::Timing timing = settings_.timing;
  timing.reliable = pair.is_tcp();
  const auto open = checklist_.count(PairState::waiting) + checklist_.count(PairState::in_progress);
  timing.rto = std::max(timing.rto, ta_ * static_cast<int>(open));  // §14.3
  if (settings_.misbehaviour.breaks(Rule::i20)) timing.rto = 100ms;

  const bool second = settings_.misbehaviour.breaks(Rule::i15) && selected_now();
  const bool nominating = controlling_ && (pair.id == nominated_ || second);
  const auto transaction = random_.bytes<12>();
  const auto preference = static_cast<std::uint16_t>(pair.local.priority >> 8);
  const CheckRequest request{
      .priority = candidate_priority(type_preference(Type::prflx, pair.local.transport, RelayedOver::none), preference),
      .controlling = controlling_,
      .tiebreaker = tiebreaker_,
      .use_candidate = nominating};
  CheckBuffer buffer;
  const auto bytes = write_check(buffer, transaction, request, own_, *peer_, settings_.misbehaviour);
  checks_.push_back({transaction,
                     pair.id,
                     pair.route,
                     {bytes.begin(), bytes.end()},
                     stun::Retransmission(timing, now),
                     now,
                     nominating,
                     controlling_});
  ++tally_.checks_sent;
  pair.last_sent = now;
  send_packet(pair.route, bytes);
}

void Agent::ask_consent(Time now) {
  const CheckRequest request{.priority = path_->priority, .controlling = controlling_, .tiebreaker = tiebreaker_};
  CheckBuffer buffer;
  send_packet(path_->route,
              write_check(buffer, path_->consent.ask(now), request, path_->own, path_->peer, settings_.misbehaviour));
}

void Agent::receive(const Route& route, wire::Bytes datagram, Time now) {
  if (!streams_.contains(route)) take_packet(route, datagram, now);
}

void Agent::receive_stream(const Route& route, wire::Bytes bytes, Time now) {
  const auto stream = streams_.find(route);
  if (stream == streams_.end() || !stream->second.up) return;
  stream->second.in.feed(bytes);
  while (const auto packet = stream->second.in.next()) {
    take_packet(route, *packet, now);
    if (!streams_.contains(route)) return;
  }
}

void Agent::take_packet(const Route& route, wire::Bytes packet, Time now) {
  if (!wire::looks_like_stun(packet)) {
    // §12.2: data may come on any pair that works, and from nobody else.
    const auto* pair = checklist_.find(route);
    if ((pair != nullptr && pair->valid()) || (path_ && path_->route == route)) out_.deliver(packet);
    return;
  }
  if (packet.size() > largest_message) return;
  const auto message = wire::StunMessage::parse(packet);
  if (!message || message->method() != wire::StunMethod::binding) return;
  switch (message->message_class()) {
    case StunClass::request:
      return take_request(route, *message, now);
    case StunClass::success:
    case StunClass::error:
      return take_answer(route, *message, now);
    case StunClass::indication:
      return;
  }
}

void Agent::take_request(const Route& route, const wire::StunMessage& message, Time now) {
  if (local_for(route) == nullptr) return;
  // After a restart the peer may still ask about the old path (§9: it goes on until there is a new one).
  const bool old = addressee(message) != own_.ufrag && path_ && addressee(message) == path_->own.ufrag;
  const auto& own = old ? path_->own : own_;
  const auto check = read_check(message, own);
  CheckBuffer buffer;
  if (!check.good) {
    if (check.code != 0) {
      send_packet(route, write_check_error(buffer, message, check.code, check.code == 420 ? &own : nullptr));
    }
    return;
  }
  ++tally_.requests;
  if (!old && !resolve_roles(route, message, check.request, now)) return;
  send_packet(route, write_check_success(buffer, message.transaction(), route.remote, own));

  if (path_ && path_->route != route && path_->route.base == route.base) {
    // A new connection of the same peer in place of a lost one (RFC 7675 §5.2); over UDP its NAT has rebound.
    const bool reconnected =
        path_->broken && streams_.contains(route) && route.remote.address == path_->route.remote.address;
    if (reconnected) {
      path_->route = route;
      path_->broken = false;
    } else if (checklist_.find(route) == nullptr && !streams_.contains(route) && (old || selected_now())) {
      events_.push_back({.kind = Event::Kind::peer_moved});
    }
  }
  if (old) return;
  if (peer_) return learn(route, check.request, now);
  if (early_.size() < most_early) early_.push_back({route, check.request});
}

// §7.3.1.1. False when the request was answered with 487.
bool Agent::resolve_roles(const Route& route, const wire::StunMessage& message, const CheckRequest& request, Time now) {
  if (request.controlling != controlling_) return true;
  const bool keep = controlling_ ? tiebreaker_ >= request.tiebreaker : tiebreaker_ < request.tiebreaker;
  if (!keep) {
    change_role(!controlling_, now);
    return true;
  }
  CheckBuffer buffer;
  send_packet(route, write_check_error(buffer, message, 487, &own_));
  return false;
}

void Agent::change_role(bool controlling, Time now) {
  controlling_ = controlling;
  nominated_ = 0;
  checklist_.reprioritize(controlling);
  if (!controlling) return;
  nominate(now);
}

void Agent::learn(const Route& route, const CheckRequest& request, Time now) {
  if (nomination_failed_) return;
  const bool nominates = request.use_candidate && !controlling_;
  auto* pair = checklist_.find(route);
  if (selected_now() && !nominates) return;  // §8.1.2: done; answers alone are owed
  if (settings_.misbehaviour.breaks(Rule::i14) && (pair == nullptr || pair->state != PairState::succeeded)) {
    if (pair != nullptr && nominates) pair->nominate_on_success = true;
    return;
  }
  if (pair == nullptr) {
    const auto* local = local_for(route);
    if (local == nullptr) return;
    // §7.3.1.3: an address that was not signaled is a peer-reflexive candidate.
    const auto known = std::find_if(remotes_.begin(), remotes_.end(), [&](const RemoteCandidate& remote) {
      return remote.address == route.remote && remote.transport == local->transport;
    });
    RemoteCandidate remote{Type::prflx, local->transport, std::nullopt, route.remote, request.priority, {}};
    if (known != remotes_.end()) {
      remote = *known;
    } else {
      remote.foundation = "prflx" + std::to_string(random_.below(1'000'000'000));
      if (local->transport == Transport::tcp) remote.tcp_type = TcpType::active;
      forget_oldest_reflexive(route);
    }
    pair = checklist_.add_received(*local, remote, controlling_);
    if (pair == nullptr) return;
    if (pair->local.type == Type::relay) ask_permission(*pair);
  }
  if (nominates) pair->nominate_on_success = true;
  if (pair->state == PairState::succeeded) {
    if (nominates) select(*pair, now);
    return;
  }
  if (pair->state == PairState::in_progress) cancel_checks(pair->id);
  checklist_.trigger(*pair);
  if (next_pace_ < now) next_pace_ = now;
}

// A peer behind a NAT that maps anew for every port is seen from a new port with each check. The oldest of such pairs
// give way to the new one, so that they do not push out what else there is.
void Agent::forget_oldest_reflexive(const Route& route) {
  std::uint32_t oldest = 0;
  std::size_t count = 0;
  for (const auto& pair : checklist_.pairs()) {
    if (pair.remote.type != Type::prflx || pair.route.base != route.base || pair.valid()) continue;
    if (pair.route.remote.address != route.remote.address) continue;
    ++count;
    if (oldest == 0) oldest = pair.id;  // pairs keep the order in which they were made
  }
  if (count < most_reflexive) return;
  std::erase_if(checks_, [&](const Check& check) { return check.pair == oldest; });
  checklist_.erase(oldest);
}

void Agent::cancel_checks(std::uint32_t pair) {
  for (auto& check : checks_) {
    if (check.pair == pair && !check.nominating) check.cancelled = true;
  }
}

void Agent::take_answer(const Route& route, const wire::StunMessage& message, Time now) {
  if (path_ && path_->route == route && message.message_class() == StunClass::success &&
      wire::check_integrity(message, wire::short_term_key(path_->peer.password)) == wire::StunCheck::valid &&
      path_->consent.answered(message.transaction(), now)) {
    ++tally_.answers;
    if (state_ == State::disconnected && !path_->broken) set_state(State::connected);
    return;
  }
  const auto found = std::find_if(checks_.begin(), checks_.end(),
                                  [&](const Check& check) { return check.transaction == message.transaction(); });
  if (found == checks_.end() || !peer_) return;
  if (wire::check_fingerprint(message) == wire::StunCheck::invalid) return;
  if (wire::check_integrity(message, wire::short_term_key(peer_->password)) != wire::StunCheck::valid) return;
  Check check = std::move(*found);
  checks_.erase(found);
  ++tally_.answers;
  auto* pair = checklist_.find(check.pair);
  if (pair == nullptr) return;
  if (route != check.route && !settings_.misbehaviour.breaks(Rule::i12)) {
    // §7.2.5.2.1: what does not come back the way it went out fails the pair.
    return fail(*pair, now);
  }
  if (message.message_class() == StunClass::success) return take_success(std::move(check), *pair, message, now);
  const auto error = message.error();
  if (error && error->code == 487) return take_role_conflict(check, *pair, now);
  if (pair->state == PairState::in_progress || check.nominating) fail(*pair, now);
}

void Agent::take_role_conflict(const Check& check, CandidatePair& pair, Time now) {
  if (settings_.misbehaviour.breaks(Rule::i11)) return fail(pair, now);
  // §7.2.5.1: the other role than the one that the request claimed, and a new tiebreaker.
  if (check.controlling == controlling_) {
    change_role(!check.controlling, now);
    tiebreaker_ = random_.number();
  }
  checklist_.trigger(pair);
  if (next_pace_ < now) next_pace_ = now;
}

void Agent::take_success(Check check, CandidatePair& pair, const wire::StunMessage& message, Time now) {
  pair.mapped = message.address(wire::StunAttribute::xor_mapped_address);
  if (!pair.mapped) return fail(pair, now);
  if (check.retransmission.count() == 1) pair.rtt = std::chrono::duration_cast<Duration>(now - check.sent);
  checklist_.succeeded(pair);
  cancel_checks(pair.id);
  if (!first_valid_) first_valid_ = now;
  const bool chosen = check.nominating && check.controlling == controlling_ && controlling_;
  if (chosen || (pair.nominate_on_success && !controlling_)) return select(pair, now);
  nominate(now);
}

void Agent::fail(CandidatePair& pair, Time now) {
  if (pair.id == nominated_ && controlling_ && !selected_now()) nomination_failed_ = true;  // §8.1.1: no second one
  pair.state = PairState::failed;
  std::erase_if(checks_, [&](const Check& check) { return check.pair == pair.id; });
  nominate(now);
}

void Agent::unreachable(const Route& route, Time now) {
  if (settings_.misbehaviour.breaks(Rule::i13)) return;
  auto* pair = checklist_.find(route);
  if (pair == nullptr || pair->state != PairState::in_progress) return;
  ++tally_.unreachable;
  fail(*pair, now);
  give_up(now);
}

bool Agent::connected(const Route& route, Time now) {
  const auto known = streams_.find(route);
  if (known == streams_.end() && streams_.size() >= most_streams) return false;
  auto& stream = streams_[route];
  stream = Stream{.up = true, .since = now};
  if (path_ && path_->route == route) {
    path_->broken = false;
    ask_consent(now);  // which also tells a listening peer where its data goes now
  }
  auto* pair = checklist_.find(route);
  if (pair != nullptr && peer_ && pair->state == PairState::in_progress) transmit_check(*pair, now);
  return true;
}

void Agent::disconnected(const Route& route, Time now) {
  streams_.erase(route);
  auto* pair = checklist_.find(route);
  const bool selected = path_ && path_->route == route;
  if (pair != nullptr && pair->state != PairState::failed && !selected) {
    ++tally_.unreachable;
    fail(*pair, now);
  }
  if (selected) {
    // RFC 7675 §5.2: an end that nobody authenticated revokes nothing.
    path_->broken = true;
    path_->reconnect = now;
    if (settings_.misbehaviour.breaks(Rule::i27)) {
      path_.reset();
      consent_lost_ = true;
      return set_state(State::failed);
    }
    set_state(State::disconnected);
  }
  give_up(now);
}

bool Agent::send(wire::Bytes packet, Time now) {
  if (!path_ || path_->broken) return false;
  if ((consent_lost_ || path_->consent.lost(now)) && !settings_.misbehaviour.breaks(Rule::i23)) return false;
  send_packet(path_->route, packet);
  if (settings_.misbehaviour.breaks(Rule::i18)) {
    for (const auto& pair : checklist_.pairs()) {
      if (pair.valid() && pair.route != path_->route) send_packet(pair.route, packet);
    }
  }
  return true;
}

}  // namespace crypelab::client::ice
