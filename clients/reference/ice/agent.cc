#include "clients/reference/ice/agent.h"

#include <algorithm>

namespace crypelab::client::ice {

using Type = wire::IceCandidate::Type;
using Transport = wire::IceCandidate::Transport;
using TcpType = wire::IceCandidate::TcpType;
using PairState = CandidatePair::State;

namespace {

constexpr std::uint16_t discard_port = 9;  // RFC 6544 §4.5: active candidates have no port to come to
constexpr std::size_t most_permits = 256;

Checklist checklist_of(const Agent::Settings& settings) {
  return Checklist(settings.misbehaviour.breaks(Rule::i07) ? 100 * settings.most_pairs : settings.most_pairs);
}

}  // namespace

Agent::Agent(Settings settings, Random& random, Output& out)
    : settings_(std::move(settings)),
      random_(random),
      out_(out),
      controlling_(settings_.controlling),
      tiebreaker_(random.number()),
      own_(Credentials::fresh(random, settings_.misbehaviour)),
      checklist_(checklist_of(settings_)) {}

std::optional<Event> Agent::poll() {
  if (next_event_ == events_.size()) {
    events_.clear();
    next_event_ = 0;
    return std::nullopt;
  }
  return std::move(events_[next_event_++]);
}

// RFC 8445 §5.1.1.3: the same for the same type, base address, server and transport.
std::string Agent::foundation(const LocalCandidate& candidate) {
  const auto alike = [&](const LocalCandidate& other) {
    const auto& base = candidate.type == Type::srflx ? candidate.related.address : candidate.address.address;
    const auto& other_base = other.type == Type::srflx ? other.related.address : other.address.address;
    return other.type == candidate.type && other.transport == candidate.transport &&
           other.tcp_type == candidate.tcp_type && other.server == candidate.server && other.over == candidate.over &&
           base == other_base;
  };
  const auto known = std::find_if(locals_.begin(), locals_.end(), alike);
  if (known != locals_.end()) return known->foundation;
  return std::to_string(++last_foundation_);
}

void Agent::make_unique(LocalCandidate& candidate) const {
  const unsigned type = type_preference(candidate.type, candidate.transport, candidate.over);
  auto preference = candidate.preference;
  if (candidate.transport == Transport::tcp && candidate.tcp_type) {
    preference = tcp_local_preference(candidate.type, *candidate.tcp_type, preference / 8);
  }
  const auto taken = [&](std::uint32_t priority) {
    return std::any_of(locals_.begin(), locals_.end(), [&](const auto& other) { return other.priority == priority; });
  };
  candidate.priority = candidate_priority(type, preference);
  if (settings_.misbehaviour.breaks(Rule::i05)) {
    candidate.priority = candidate_priority(126, 65535);
    return;
  }
  while (taken(candidate.priority)) candidate.priority = candidate_priority(type, --preference);  // §5.1.2: unique
}

bool Agent::add_local(LocalCandidate candidate, Time now) {
  const bool loopback = settings_.allow_loopback && is_loopback(candidate.address.address);
  if (!loopback && !is_offerable(candidate.address.address) && !settings_.misbehaviour.breaks(Rule::i01)) return false;
  if (settings_.relay_only && candidate.type != Type::relay) return false;
  if (locals_.size() >= 256) return false;
  for (const auto& other : locals_) {
    // §5.1.3: redundant.
    if (other.base == candidate.base && other.address == candidate.address && other.tcp_type == candidate.tcp_type) {
      return false;
    }
  }
  make_unique(candidate);
  candidate.foundation = foundation(candidate);
  locals_.push_back(candidate);
  describe(candidate);
  if (peer_) {
    for (const auto& remote : remotes_) pair_up(candidate, remote, now);
  }
  return true;
}

void Agent::describe(const LocalCandidate& candidate) {
  auto told = described(candidate);
  told.extensions.emplace_back("ufrag", own_.ufrag);
  events_.push_back({.kind = Event::Kind::candidate, .candidate = std::move(told)});
}

wire::IceCandidate Agent::described(const LocalCandidate& candidate) const {
  wire::IceCandidate told{.foundation = candidate.foundation,
                          .transport = candidate.transport,
                          .priority = candidate.priority,
                          .host = to_string(candidate.address.address),
                          .port = candidate.address.port,
                          .type = candidate.type,
                          .tcp_type = candidate.tcp_type};
  if (candidate.tcp_type == TcpType::active) {
    if (settings_.misbehaviour.breaks(Rule::i28)) {
      told.tcp_type.reset();
    } else {
      told.port = discard_port;
    }
  }
  if (candidate.type != Type::host) {
    // RFC 8839 §5.1: with the policy "relay" the related address must not tell where this machine is.
    const bool hidden = settings_.relay_only;
    const Endpoint none{candidate.related.address.is_v6() ? Address::v6({}) : Address(), discard_port};
    const auto& related = hidden ? none : candidate.related;
    told.related_host = to_string(related.address);
    told.related_port = related.port;
  }
  return told;
}

PathInfo Agent::info(const CandidatePair& pair) const {
  PathInfo path{.local = described(pair.local), .over = pair.local.over, .rtt = pair.rtt};
  if (pair.mapped && *pair.mapped != pair.local.address) {
    // §7.2.5.3.1: what the peer saw is a candidate of its own, known or peer-reflexive.
    const auto known = std::find_if(locals_.begin(), locals_.end(), [&](const LocalCandidate& local) {
      return local.base == pair.local.base && local.address == *pair.mapped;
    });
    if (known != locals_.end()) {
      path.local = described(*known);
    } else if (!pair.is_tcp()) {
      path.local.type = Type::prflx;
      path.local.related_host = to_string(pair.local.address.address);
      path.local.related_port = pair.local.address.port;
      path.local.host = to_string(pair.mapped->address);
      path.local.port = pair.mapped->port;
    }
  }
  path.remote = {.foundation = pair.remote.foundation,
                 .transport = pair.remote.transport,
                 .priority = pair.remote.priority,
                 .host = to_string(pair.remote.address.address),
                 .port = pair.remote.address.port,
                 .type = pair.remote.type,
                 .tcp_type = pair.remote.tcp_type};
  return path;
}

void Agent::end_local(Time now) {
  if (!local_ended_) events_.push_back({.kind = Event::Kind::end_of_candidates});
  local_ended_ = true;
  give_up(now);
}

void Agent::remove_base(Base base, Time now) {
  std::erase_if(locals_, [&](const LocalCandidate& local) { return local.base == base; });
  std::erase_if(streams_, [&](const auto& entry) { return entry.first.base == base; });
  std::erase_if(permits_, [&](const auto& entry) { return entry.first.first == base; });
  for (auto& pair : checklist_.pairs()) {
    if (pair.route.base == base) fail(pair, now);
  }
  if (path_ && path_->route.base == base) {
    path_->broken = true;
    set_state(State::disconnected);
  }
  give_up(now);
}

bool Agent::set_remote(const Credentials& peer, Time now, Duration ta) {
  if (!peer.valid()) return false;
  if (peer_) return *peer_ == peer;
  peer_ = peer;
  ta_ = std::max(settings_.ta, ta);
  patience_ends_ = now + settings_.patience;
  next_pace_ = now;
  if (state_ == State::idle) set_state(State::checking);
  const auto waiting = std::move(waiting_remotes_);
  waiting_remotes_.clear();
  for (const auto& candidate : waiting) add_remote(candidate, now);
  const auto early = std::move(early_);
  early_.clear();
  for (const auto& check : early) learn(check.route, check.request, now);
  return true;
}

bool Agent::usable(const wire::IceCandidate& candidate) const {
  const auto endpoint = candidate.endpoint();
  if (candidate.component != 1 || !endpoint)
    return false;  // names: mDNS is not resolved (RFC 8839 §5.1 lets it be ignored)
  const bool opens = candidate.tcp_type == TcpType::active;
  if (endpoint->port == 0 && !opens) return false;
  if (!is_offerable(endpoint->address) && !(settings_.allow_loopback && is_loopback(endpoint->address))) return false;
  // RFC 8838: of this generation, if it says of which.
  const auto ufrag = std::find_if(candidate.extensions.begin(), candidate.extensions.end(),
                                  [](const auto& extension) { return extension.first == "ufrag"; });
  return ufrag == candidate.extensions.end() || !peer_ || ufrag->second == peer_->ufrag;
}

bool Agent::add_remote(const wire::IceCandidate& candidate, Time now) {
  const bool too_late = settings_.misbehaviour.breaks(Rule::i22) && tally_.checks_sent > 0;
  if (!usable(candidate) || too_late || remotes_.size() + waiting_remotes_.size() >= settings_.most_remote) {
    ++tally_.ignored_candidates;
    return false;
  }
  if (!peer_) {
    waiting_remotes_.push_back(candidate);
    return true;
  }
  const auto address = *candidate.endpoint();
  for (const auto& known : remotes_) {
    if (known.address != address || known.transport != candidate.transport || known.tcp_type != candidate.tcp_type)
      continue;
    return true;
  }
  ++tally_.remote_candidates;
  remotes_.push_back(
      {candidate.type, candidate.transport, candidate.tcp_type, address, candidate.priority, candidate.foundation});
  const auto remote = remotes_.back();
  for (auto& pair : checklist_.pairs()) {
    // RFC 8838 §11.4: what was learnt from a check gets its real type and foundation.
    if (pair.remote.type == Type::prflx && pair.remote.address == address &&
        pair.remote.transport == candidate.transport) {
      pair.remote.type = candidate.type;
      pair.remote.foundation = candidate.foundation;
    }
  }
  for (const auto& local : locals_) pair_up(local, remote, now);
  return true;
}

void Agent::end_remote(Time now) {
  remote_ended_ = true;
  give_up(now);
}

void Agent::pair_up(const LocalCandidate& local, const RemoteCandidate& remote, Time now) {
  // §8.1.2: nothing new once a pair is selected.
  if (selected_now() || nomination_failed_) return;
  // §6.1.2.4: server-reflexive candidates are their base, which has a pair of its own unless it was not told.
  if (local.type == Type::srflx) {
    const bool has_base = std::any_of(locals_.begin(), locals_.end(), [&](const LocalCandidate& other) {
      return other.base == local.base && other.type == Type::host;
    });
    if (has_base) return;
  }
  auto* pair = checklist_.add(local, remote, controlling_);
  if (pair != nullptr && pair->local.type == Type::relay) ask_permission(*pair);
  if (next_pace_ < now) next_pace_ = now;
}

void Agent::ask_permission(CandidatePair& pair) {
  if (settings_.misbehaviour.breaks(Rule::i09)) return;
  const auto key = std::pair(pair.route.base, pair.route.remote.address);
  const auto known = permits_.find(key);
  if (known != permits_.end()) {
    pair.permitted = known->second == Permit::granted;
    if (known->second == Permit::refused) pair.state = PairState::failed;
    return;
  }
  pair.permitted = false;
  if (permits_.size() >= most_permits) {
    pair.state = PairState::failed;
    return;
  }
  permits_[key] = Permit::asked;
  out_.permit(pair.route.base, pair.route.remote.address);
}

void Agent::permission(Base base, const Address& peer, bool granted, Time now) {
  const auto known = permits_.find({base, peer});
  if (known == permits_.end()) return;
  known->second = granted ? Permit::granted : Permit::refused;
  for (auto& pair : checklist_.pairs()) {
    if (pair.route.base != base || pair.route.remote.address != peer || pair.local.type != Type::relay) continue;
    pair.permitted = granted;
    if (granted || pair.state == PairState::failed) continue;
    ++tally_.not_permitted;
    fail(pair, now);
  }
  if (next_pace_ < now) next_pace_ = now;
  give_up(now);
}

const LocalCandidate* Agent::local_for(const Route& route) const {
  const LocalCandidate* best = nullptr;
  for (const auto& local : locals_) {
    if (local.base != route.base || local.address.address.family() != route.remote.address.family()) continue;
    if (best == nullptr || (best->type == Type::srflx && local.type != Type::srflx)) best = &local;
  }
  return best;
}

void Agent::restart(Time now) {
  const auto old = own_;
  own_ = Credentials::fresh(random_, settings_.misbehaviour);
  if (settings_.misbehaviour.breaks(Rule::i16)) own_.password = old.password;
  if (consent_lost_ && settings_.misbehaviour.breaks(Rule::i26)) own_ = old;
  if (path_) path_->pair = 0;
  if (consent_lost_ && !settings_.misbehaviour.breaks(Rule::i23)) path_.reset();
  consent_lost_ = false;
  peer_.reset();
  remotes_.clear();
  waiting_remotes_.clear();
  early_.clear();
  local_ended_ = false;
  remote_ended_ = false;
  checklist_.clear();
  checks_.clear();
  first_valid_.reset();
  nominated_ = 0;
  nomination_failed_ = false;
  // What was not polled yet is of the generation that ends here.
  events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(next_event_));
  next_event_ = 0;
  std::erase_if(events_, [](const Event& event) {
    return event.kind == Event::Kind::candidate || event.kind == Event::Kind::end_of_candidates;
  });
  if (!path_) set_state(State::idle);
  for (const auto& local : locals_) describe(local);
  if (next_pace_ < now) next_pace_ = now;
}

}  // namespace crypelab::client::ice
