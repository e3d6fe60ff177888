// What an agent does when: pacing, nomination, consent, patience.
#include "clients/reference/ice/agent.h"

#include <algorithm>

namespace crypelab::client::ice {

using PairState = CandidatePair::State;
using Type = wire::IceCandidate::Type;

void Agent::wake(Time now) {
  retransmit(now);
  if (peer_) pace(now);
  if (const auto due = nomination_due(); due && now >= *due) nominate(now);
  watch_path(now);
  keep_alive(now);
  give_up(now);
}

std::optional<Time> Agent::next() const {
  std::optional<Time> first;
  for (const auto& check : checks_) first = earlier(first, check.retransmission.due());
  for (const auto& [route, stream] : streams_) {
    if (!stream.up) first = earlier(first, stream.since + settings_.patience);
  }
  if (peer_ && !nomination_failed_ && checklist_.has_next()) first = earlier(first, next_pace_);
  first = earlier(first, nomination_due());
  if (watches_path()) {
    const auto& consent = path_->consent;
    first = earlier(first, consent.last_answer() + Consent::life);
    if (state_ == State::connected) first = earlier(first, consent.last_answer() + Consent::suspicion);
    if (!path_->broken) first = earlier(first, consent.due());
    if (path_->broken && path_->reconnect != Time{}) first = earlier(first, path_->reconnect);
  }
  first = earlier(first, keepalive_due());
  if (state_ == State::checking && hopeless()) first = earlier(first, patience_ends_);
  return first;
}

void Agent::pace(Time now) {
  if (nomination_failed_) return;
  const bool floods = settings_.misbehaviour.breaks(Rule::i19);
  while (now >= next_pace_ || floods) {
    auto* pair = checklist_.take_next();
    if (pair == nullptr) return;
    next_pace_ = now + ta_;
    begin_check(*pair, now);
    if (!floods) return;
  }
}

void Agent::retransmit(Time now) {
  for (std::size_t i = 0; i < checks_.size();) {
    auto& check = checks_[i];
    if (now < check.retransmission.due()) {
      ++i;
      continue;
    }
    if (!check.retransmission.ends()) {
      if (!check.cancelled) send_packet(check.route, check.bytes);
      check.retransmission.sent(now);
      ++i;
      continue;
    }
    const bool failed = !check.cancelled;
    auto* pair = checklist_.find(check.pair);
    checks_.erase(checks_.begin() + static_cast<std::ptrdiff_t>(i));
    if (failed && pair != nullptr) {
      fail(*pair, now);
      i = 0;
    }
  }
  for (auto stream = streams_.begin(); stream != streams_.end();) {
    if (stream->second.up || now < stream->second.since + settings_.patience) {
      ++stream;
      continue;
    }
    auto* pair = checklist_.find(stream->first);
    stream = streams_.erase(stream);
    if (pair != nullptr) fail(*pair, now);
  }
}

// When the best pair that works has been preferred long enough to what might still come.
std::optional<Time> Agent::nomination_due() const {
  if (!controlling_ || nominated_ != 0 || !first_valid_ || selected_now() || nomination_failed_) return std::nullopt;
  const CandidatePair* best = nullptr;
  for (const auto& pair : checklist_.pairs()) {
    if (pair.valid() && (best == nullptr || pair.priority > best->priority)) best = &pair;
  }
  if (best == nullptr) return std::nullopt;
  int better = 0;
  int unsent = 0;
  for (const auto& pair : checklist_.pairs()) {
    if (pair.valid() || pair.state == PairState::failed || pair.priority <= best->priority) continue;
    ++better;
    if (pair.state != PairState::in_progress) ++unsent;
  }
  const bool relayed = best->local.type == Type::relay || best->remote.type == Type::relay;
  const bool may_improve = better > 0 || (relayed && !(local_ended_ && remote_ended_));
  if (!may_improve) return *first_valid_;
  return *first_valid_ + std::clamp(best->rtt * 3 + ta_ * unsent, settings_.shortest_settle, settings_.longest_settle);
}

void Agent::nominate(Time now) {
  const auto due = nomination_due();
  if (!due || now < *due) return;
  auto* best = checklist_.best_valid();
  nominated_ = best->id;
  best->nominated = true;
  checklist_.trigger(*best);
  if (next_pace_ < now) next_pace_ = now;
}

void Agent::select(CandidatePair& pair, Time now) {
  pair.nominated = true;
  const bool again = selected_now();
  if (again && path_->pair == pair.id) return;
  // §8.1.1: a peer that nominates several, as RFC 5245 let it, means the one of highest priority.
  if (again && (controlling_ || pair.priority < path_->pair_priority)) return;
  path_.emplace(Path{.route = pair.route,
                     .own = own_,
                     .peer = *peer_,
                     .consent = Consent(random_, settings_.misbehaviour, now),
                     .pair = pair.id,
                     .priority = pair.local.priority,
                     .pair_priority = pair.priority});
  consent_lost_ = false;
  if (!settings_.misbehaviour.breaks(Rule::i15)) {
    const auto id = pair.id;
    checklist_.stop();
    // What is under way is not repeated; answers still count (§8.1.2).
    for (auto& check : checks_) check.cancelled = check.cancelled || check.pair != id;
  } else if (controlling_) {
    for (auto& other : checklist_.pairs()) {
      if (other.valid() && other.id != pair.id) checklist_.trigger(other);
    }
  }
  const auto* selected = checklist_.find(path_->route);
  events_.push_back({.kind = Event::Kind::selected, .path = info(*selected)});
  set_state(State::connected);
}

bool Agent::watches_path() const {
  const auto& misbehaviour = settings_.misbehaviour;
  if (!path_ || consent_lost_ || misbehaviour.breaks(Rule::i17)) return false;
  return !(misbehaviour.breaks(Rule::i25) && streams_.contains(path_->route));
}

void Agent::watch_path(Time now) {
  if (!watches_path()) return;
  if (path_->consent.lost(now)) {
    const bool restarting = !selected_now();
    consent_lost_ = true;
    if (!settings_.misbehaviour.breaks(Rule::i23)) path_.reset();
    return set_state(!restarting ? State::failed : peer_ ? State::checking : State::idle);
  }
  if (path_->consent.doubtful(now) && state_ == State::connected) set_state(State::disconnected);
  if (!path_->broken) {
    if (now >= path_->consent.due()) ask_consent(now);
    return;
  }
  const auto* local = local_for(path_->route);
  const bool opens = local != nullptr && local->tcp_type != wire::IceCandidate::TcpType::passive &&
                     local->transport == wire::IceCandidate::Transport::tcp;
  if (path_->reconnect == Time{} || now < path_->reconnect) return;
  path_->reconnect = opens ? now + 2s : Time{};
  if (!opens || streams_.contains(path_->route)) return;
  streams_[path_->route].since = now;
  out_.connect(path_->route);
}

void Agent::doubt() {
  if (state_ == State::connected) set_state(State::disconnected);
}

std::optional<Time> Agent::keepalive_due() const {
  if (selected_now() || settings_.misbehaviour.breaks(Rule::i17)) return std::nullopt;
  std::optional<Time> first;
  for (const auto& pair : checklist_.pairs()) {
    if (pair.valid()) first = earlier(first, pair.last_sent + settings_.keepalive);
  }
  return first;
}

void Agent::keep_alive(Time now) {
  const auto due = keepalive_due();
  if (!due || now < *due) return;
  for (auto& pair : checklist_.pairs()) {
    if (!pair.valid() || now < pair.last_sent + settings_.keepalive) continue;
    CheckBuffer buffer;
    send_packet(pair.route, write_keepalive(buffer, random_.bytes<12>()));
    pair.last_sent = now;
  }
}

// No pair can work any more with what is known. Patience may still have to run out.
bool Agent::hopeless() const {
  if (!peer_) return false;
  if (nomination_failed_) return true;
  const bool open = std::any_of(checklist_.pairs().begin(), checklist_.pairs().end(),
                                [](const CandidatePair& pair) { return pair.state != PairState::failed; });
  if (open) return false;
  if (settings_.misbehaviour.breaks(Rule::i21)) return !checklist_.pairs().empty();
  return local_ended_ && remote_ended_;  // RFC 8838 §13
}

void Agent::give_up(Time now) {
  if (state_ != State::checking || !hopeless()) return;
  if (now >= patience_ends_ || settings_.misbehaviour.breaks(Rule::i21)) set_state(State::failed);
}

void Agent::set_state(State state) {
  if (state_ == state) return;
  state_ = state;
  events_.push_back({.kind = Event::Kind::state, .state = state});
}

}  // namespace crypelab::client::ice
