#include "harness/gate/flow.h"

#include <algorithm>

namespace crypelab::gate {
namespace {

// What one connection may make the gate keep before it has been judged.
constexpr std::size_t kMostWaiting = 16;
constexpr std::int64_t kFurthest = 65'535;  // beyond the first hole

// RFC 9293 section 3.4: sequence numbers wrap around.
std::int64_t distance(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }

Fate fate_of(FirstBytes::State state) {
  switch (state) {
    case FirstBytes::State::more:
      return Fate::forward;
    case FirstBytes::State::pass:
      return Fate::pass;
    case FirstBytes::State::refuse:
      return Fate::refuse;
  }
  return Fate::refuse;
}

}  // namespace

void Flow::refuse(std::string reason) {
  if (state() == FirstBytes::State::more) refused_ = std::move(reason);
}

bool Flow::judge(std::uint32_t id, std::uint32_t sequence, wire::Bytes data, std::vector<Ruling>& rulings) {
  if (state() == FirstBytes::State::more) {
    const auto ahead = distance(next_, sequence);
    if (ahead > 0) return false;
    // Bytes that have been judged before must be the same again: the first copy may have been lost behind the gate.
    const auto old = std::min<std::size_t>(static_cast<std::size_t>(-ahead), data.size());
    const auto at = distance(isn_ + 1, sequence);
    if (at < 0) {
      // Before the stream's first byte: a keep-alive's old byte (RFC 9293 section 3.8.4), or nonsense.
      if (old < data.size()) refuse("a segment that begins before the connection");
    } else if (!std::equal(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(old),
                           first_.seen().begin() + static_cast<std::ptrdiff_t>(at))) {
      refuse("a retransmission with other bytes");
    }
    if (state() == FirstBytes::State::more) {
      first_.feed(data.subspan(old));
      next_ += static_cast<std::uint32_t>(data.size() - old);
    }
  }
  rulings.push_back({id, fate_of(state())});
  return true;
}

void Flow::take(std::uint32_t id, std::uint32_t sequence, wire::Bytes data, bool may_wait,
                std::vector<Ruling>& rulings) {
  ++segments_;
  if (!judge(id, sequence, data, rulings)) {
    const auto end = distance(next_, sequence) + static_cast<std::int64_t>(data.size());
    if (!may_wait || waiting_.size() == kMostWaiting || end > kFurthest) {
      rulings.push_back({id, Fate::discard});
      return;
    }
    waiting_.push_back({id, sequence, {data.begin(), data.end()}});
    return;
  }
  for (bool moved = true; moved && !waiting_.empty();) {
    moved = false;
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
      if (!judge(it->id, it->sequence, it->data, rulings)) continue;
      waiting_.erase(it);
      moved = true;
      break;
    }
  }
}

void Flow::abandon(std::vector<Ruling>& rulings) {
  for (const auto& segment : waiting_) rulings.push_back({segment.id, Fate::discard});
  waiting_.clear();
}

}  // namespace crypelab::gate
