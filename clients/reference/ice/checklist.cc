#include "clients/reference/ice/checklist.h"

#include <algorithm>

namespace crypelab::client::ice {

using Transport = wire::IceCandidate::Transport;
using TcpType = wire::IceCandidate::TcpType;

namespace {

std::uint64_t priority_of(const CandidatePair& pair, bool controlling) {
  return controlling ? pair_priority(pair.local.priority, pair.remote.priority)
                     : pair_priority(pair.remote.priority, pair.local.priority);
}

// RFC 6544 §6.2: who opens meets who listens.
bool may_open(const LocalCandidate& local, const RemoteCandidate& remote) {
  if (local.transport == Transport::udp) return true;
  if (local.tcp_type == TcpType::active) return remote.tcp_type == TcpType::passive;
  return local.tcp_type == TcpType::so && remote.tcp_type == TcpType::so;
}

bool same_foundation(const CandidatePair& a, const CandidatePair& b) {
  return a.local.foundation == b.local.foundation && a.remote.foundation == b.remote.foundation;
}

}  // namespace

CandidatePair* Checklist::find(std::uint32_t id) {
  const auto found = std::find_if(pairs_.begin(), pairs_.end(), [&](const auto& p) { return p.id == id; });
  return found != pairs_.end() ? &*found : nullptr;
}

CandidatePair* Checklist::find(const Route& route) {
  const auto found = std::find_if(pairs_.begin(), pairs_.end(), [&](const auto& p) { return p.route == route; });
  return found != pairs_.end() ? &*found : nullptr;
}

CandidatePair* Checklist::add(const LocalCandidate& local, const RemoteCandidate& remote, bool controlling) {
  if (local.transport != remote.transport || !may_open(local, remote)) return nullptr;
  return add_received(local, remote, controlling);
}

CandidatePair* Checklist::add_received(const LocalCandidate& local, const RemoteCandidate& remote, bool controlling) {
  if (local.address.address.family() != remote.address.address.family()) return nullptr;
  // §6.1.2.4: a server-reflexive candidate is its base; one pair for each base and remote address.
  if (auto* known = find(Route{local.base, remote.address})) return known;
  return insert(local, remote, controlling);
}

CandidatePair* Checklist::insert(const LocalCandidate& local, const RemoteCandidate& remote, bool controlling) {
  CandidatePair pair{.local = local, .remote = remote, .route = {local.base, remote.address}};
  pair.priority = priority_of(pair, controlling);
  if (!make_room(pair.priority)) return nullptr;
  pair.id = ++last_;
  // RFC 8838 §12: ready at once if it is the first of its foundation, or if one of it has succeeded.
  bool first = true;
  bool proved = false;
  for (const auto& other : pairs_) {
    if (!same_foundation(pair, other)) continue;
    first = false;
    proved = proved || other.state == State::succeeded;
  }
  if (first || proved) pair.state = State::waiting;
  pairs_.push_back(std::move(pair));
  return &pairs_.back();
}

bool Checklist::make_room(std::uint64_t priority) {
  if (pairs_.size() < most_) return true;
  const auto worth = [](const CandidatePair& p) {
    return p.state == State::succeeded || p.state == State::in_progress ? ~std::uint64_t{0} : p.priority;
  };
  const auto worst =
      std::min_element(pairs_.begin(), pairs_.end(), [&](const auto& a, const auto& b) { return worth(a) < worth(b); });
  if (worst == pairs_.end() || worth(*worst) >= priority) return false;
  erase(worst->id);
  return true;
}

void Checklist::erase(std::uint32_t id) {
  std::erase(triggered_, id);
  std::erase_if(pairs_, [&](const CandidatePair& pair) { return pair.id == id; });
}

void Checklist::clear() {
  pairs_.clear();
  triggered_.clear();
  triggered_in_a_row_ = 0;
}

void Checklist::reprioritize(bool controlling) {
  for (auto& pair : pairs_) pair.priority = priority_of(pair, controlling);
}

void Checklist::succeeded(CandidatePair& pair) {
  pair.state = State::succeeded;
  for (auto& other : pairs_) {
    if (other.state == State::frozen && same_foundation(pair, other)) other.state = State::waiting;
  }
}

bool Checklist::triggered(std::uint32_t id) const {
  return std::find(triggered_.begin(), triggered_.end(), id) != triggered_.end();
}

void Checklist::trigger(CandidatePair& pair) {
  if (pair.state != State::succeeded) pair.state = State::waiting;
  if (!triggered(pair.id)) triggered_.push_back(pair.id);
}

const CandidatePair* Checklist::peek() const {
  const CandidatePair* best = nullptr;
  for (const auto& pair : pairs_) {
    if (pair.state != State::waiting || !pair.permitted || triggered(pair.id)) continue;
    if (best == nullptr || pair.priority > best->priority) best = &pair;
  }
  if (best != nullptr) return best;
  for (const auto& pair : pairs_) {
    if (pair.state != State::frozen || !pair.permitted || (best != nullptr && pair.priority <= best->priority))
      continue;
    const bool busy = std::any_of(pairs_.begin(), pairs_.end(), [&](const CandidatePair& other) {
      return same_foundation(pair, other) &&
             (other.state == State::in_progress || (other.state == State::waiting && other.permitted));
    });
    if (!busy) best = &pair;
  }
  return best;
}

CandidatePair* Checklist::take_next() {
  if (triggered_in_a_row_ >= most_triggered_in_a_row) {
    triggered_in_a_row_ = 0;
    if (const auto* ordinary = peek()) return find(ordinary->id);
  }
  for (auto id = triggered_.begin(); id != triggered_.end(); ++id) {
    auto* pair = find(*id);
    if (pair != nullptr && !pair->permitted) continue;
    triggered_.erase(id);
    ++triggered_in_a_row_;
    return pair != nullptr ? pair : take_next();
  }
  triggered_in_a_row_ = 0;
  const auto* next = peek();
  return next != nullptr ? find(next->id) : nullptr;
}

bool Checklist::has_next() const {
  for (const auto& pair : pairs_) {
    if (pair.permitted && triggered(pair.id)) return true;
  }
  return peek() != nullptr;
}

std::size_t Checklist::count(State state) const {
  return static_cast<std::size_t>(
      std::count_if(pairs_.begin(), pairs_.end(), [&](const auto& pair) { return pair.state == state; }));
}

CandidatePair* Checklist::best_valid() {
  CandidatePair* best = nullptr;
  for (auto& pair : pairs_) {
    if (pair.valid() && (best == nullptr || pair.priority > best->priority)) best = &pair;
  }
  return best;
}

void Checklist::stop() {
  triggered_.clear();
  std::erase_if(pairs_, [](const auto& pair) { return pair.state == State::frozen || pair.state == State::waiting; });
}

}  // namespace crypelab::client::ice
