#pragma once

#include "clients/signaling/message.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace crypelab::signaling {

// Time since any fixed moment, told by the caller; it never goes back.
using Time = std::chrono::milliseconds;

struct Limits {
  std::size_t peers = 2;                   // names that may ever sit in one room
  std::size_t message_bytes = 64U << 10U;  // of one message as received
  std::size_t room_bytes = 1U << 20U;      // of all messages of a room as stored
  std::size_t rooms = 20'000;
  std::size_t total_bytes = 1U << 30U;  // of all rooms together
  Time idle{120'000};                   // a room that nobody visited for so long is gone
};

// Somebody who waits for a room's next message.
class Listener {
 public:
  virtual void wake() = 0;       // something may be there to read
  virtual void supersede() = 0;  // the same peer listens elsewhere now; already detached

 protected:
  ~Listener() = default;
};

// One room: at most two peers, every message that was accepted, in order. Numbers of messages start above `base`, so
// that with a base from a clock in microseconds no number is ever used for two messages, not even by a later room of
// that name. Nothing is forgotten while the room lives: a peer may ask for what came after any number that it saw.
class Room {
 public:
  using Seat = std::size_t;
  enum class Channel : std::uint8_t { socket, poll };

  struct Stored {
    std::uint64_t seq = 0;   // the room's number
    bool duplicate = false;  // it was there already: same sender, same sender's number
    std::size_t bytes = 0;   // as stored
  };
  struct Delivery {
    std::uint64_t seq = 0;
    std::string_view text;  // valid as long as the room
  };

  // `total_bytes` counts over all rooms and outlives the room.
  Room(const Limits& limits, std::uint64_t base, std::size_t& total_bytes);
  ~Room();
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  // The seat of that peer, taken now if need be, or "too-many-peers".
  std::variant<Seat, Refusal> seat(std::string_view peer);
  // Accepts one message. A sender counts its messages 1, 2, 3, ...: the next number is stored, a smaller one is the
  // repetition of one that is stored, a larger one is refused ("out-of-order": something before it was lost). Other
  // codes: not-you, room-full, server-full. Wakes the others.
  std::variant<Stored, Refusal> store(Seat sender, const Message& message);
  // The first message after `after` that others sent.
  std::optional<Delivery> next(Seat reader, std::uint64_t after) const;
  // Whether `after` is a position in this room: 0, or the number of a message; otherwise "expired": it was seen in an
  // earlier room of that name, whose messages are gone.
  std::optional<Refusal> check_position(std::uint64_t after) const;
  // How many messages of that sender are stored: its largest number.
  std::uint64_t stored_of(Seat sender) const { return seats_[sender].stored.size(); }
  std::string_view name_of(Seat seat) const { return seats_[seat].name; }

  // One listener a seat and channel: the newest. The one before is told.
  void attach(Seat seat, Channel channel, Listener& listener);
  void detach(Seat seat, Channel channel, const Listener& listener);

  // A visit keeps the room alive; RAII so that it ends once.
  class Visit {
   public:
    explicit Visit(Room& room) : room_(&room) { ++room.visits_; }
    Visit(Visit&& other) noexcept : room_(std::exchange(other.room_, nullptr)) {}
    Visit& operator=(Visit&&) = delete;
    ~Visit() {
      if (room_ != nullptr) --room_->visits_;
    }

   private:
    Room* room_;
  };
  bool visited() const { return visits_ > 0; }
  Time touched() const { return touched_; }
  void touch(Time now) { touched_ = now; }

 private:
  struct Entry {
    Seat sender;
    std::string text;
  };
  struct Chair {
    std::string name;
    std::vector<std::uint64_t> stored;  // room's number of each message sent, by the sender's number - 1
    Listener* listeners[2] = {nullptr, nullptr};
  };

  const Limits& limits_;
  std::uint64_t base_;
  std::size_t& total_bytes_;
  std::size_t bytes_ = 0;
  std::size_t visits_ = 0;
  Time touched_{0};
  std::vector<Chair> seats_;
  std::deque<Entry> entries_;  // entries_[i] has the number base_ + 1 + i
};

}  // namespace crypelab::signaling
