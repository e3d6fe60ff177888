#include "clients/signaling/room.h"

#include <algorithm>
#include <utility>

namespace crypelab::signaling {

Room::Room(const Limits& limits, std::uint64_t base, std::size_t& total_bytes)
    : limits_(limits), base_(base), total_bytes_(total_bytes) {
  seats_.reserve(limits.peers);
}

Room::~Room() { total_bytes_ -= bytes_; }

std::variant<Room::Seat, Refusal> Room::seat(std::string_view peer) {
  const auto found = std::find_if(seats_.begin(), seats_.end(), [&](const Chair& chair) { return chair.name == peer; });
  if (found != seats_.end()) return static_cast<Seat>(found - seats_.begin());
  if (seats_.size() >= limits_.peers) return Refusal{"too-many-peers"};
  seats_.push_back(Chair{std::string(peer), {}, {nullptr, nullptr}});
  return seats_.size() - 1;
}

std::variant<Room::Stored, Refusal> Room::store(Seat sender, const Message& message) {
  Chair& chair = seats_[sender];
  if (message.from && *message.from != chair.name) return Refusal{"not-you", message.seq};
  if (message.seq == 0) return Refusal{"missing-field:seq"};
  if (message.seq <= chair.stored.size()) return Stored{chair.stored[message.seq - 1], true};
  if (message.seq != chair.stored.size() + 1) return Refusal{"out-of-order", message.seq};
  const std::uint64_t seq = base_ + 1 + entries_.size();
  std::string text = forwarded(message, chair.name, seq);
  const std::size_t bytes = text.size();
  if (bytes > limits_.room_bytes - bytes_) return Refusal{"room-full", message.seq};
  if (total_bytes_ >= limits_.total_bytes || bytes > limits_.total_bytes - total_bytes_) {
    return Refusal{"server-full", message.seq};
  }
  entries_.push_back(Entry{sender, std::move(text)});
  chair.stored.push_back(seq);
  bytes_ += bytes;
  total_bytes_ += bytes;
  for (Seat other = 0; other < seats_.size(); ++other) {
    if (other == sender) continue;
    for (Listener* const listener : seats_[other].listeners) {
      if (listener != nullptr) listener->wake();
    }
  }
  return Stored{seq, false, bytes};
}

std::optional<Room::Delivery> Room::next(Seat reader, std::uint64_t after) const {
  for (std::uint64_t i = after > base_ ? after - base_ : 0; i < entries_.size(); ++i) {
    if (entries_[i].sender != reader) return Delivery{base_ + 1 + i, entries_[i].text};
  }
  return std::nullopt;
}

std::optional<Refusal> Room::check_position(std::uint64_t after) const {
  if (after == 0 || (after > base_ && after <= base_ + entries_.size())) return std::nullopt;
  return Refusal{"expired"};
}

void Room::attach(Seat seat, Channel channel, Listener& listener) {
  Listener*& place = seats_[seat].listeners[static_cast<std::size_t>(channel)];
  if (Listener* const before = std::exchange(place, &listener)) before->supersede();
}

void Room::detach(Seat seat, Channel channel, const Listener& listener) {
  Listener*& place = seats_[seat].listeners[static_cast<std::size_t>(channel)];
  if (place == &listener) place = nullptr;
}

}  // namespace crypelab::signaling
