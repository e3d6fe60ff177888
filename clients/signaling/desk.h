#pragma once

#include "clients/signaling/event_log.h"
#include "clients/signaling/lobby.h"
#include "clients/signaling/settings.h"

#include <functional>
#include <list>
#include <string>
#include <string_view>

namespace crypelab::signaling {

class Guest;

// What all connections share: the rooms, who may speak, the event log, and the list of connections with their
// deadlines. One thread.
class Desk {
 public:
  explicit Desk(Settings settings) : settings_(std::move(settings)), lobby_(settings_.limits), log_(settings_.log) {}
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  const Settings& settings() const { return settings_; }
  EventLog& log() { return log_; }

  Time now() const;  // monotonic
  std::uint64_t unix_seconds() const;
  // The room of that name, made if need be.
  std::variant<Room*, Refusal> room(std::string_view name);

  // Room for one connection more: the oldest stranger goes when there are too many. False: refuse the newcomer.
  bool admit();
  // Ends connections whose deadline has passed, removes idle rooms.
  void sweep();
  // Asks every connection to end.
  void farewell();
  std::size_t connections() const { return strangers_.size() + known_.size(); }

 private:
  friend class Guest;

  Settings settings_;
  Lobby lobby_;
  EventLog log_;
  std::list<Guest*> strangers_;  // oldest first
  std::list<Guest*> known_;
};

// One connection at the desk, from its first byte to its last: RAII registration, deadline, and the ways to end it from
// outside.
class Guest {
 public:
  // `abort` closes the socket at once, so that everything that waits for it fails; `leave` says goodbye first.
  Guest(Desk& desk, std::string address, std::function<void()> abort);
  ~Guest();
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  const std::string& address() const { return address_; }
  void set_abort(std::function<void()> abort) { abort_ = std::move(abort); }
  void set_leave(std::function<void()> leave) { leave_ = std::move(leave); }

  // It has shown a token.
  void became_known();
  // Ended as "too-slow" unless told otherwise within `patience`.
  void expect_within(Time patience);
  void expect_nothing() { deadline_ = Time::max(); }

  void end(std::string_view reason);
  void leave();
  // It is saying goodbye for that reason, and is ended if that takes too long.
  void leave_within(std::string_view reason, Time patience);
  // Why it was ended from outside; empty otherwise.
  const std::string& reason() const { return reason_; }

 private:
  friend class Desk;

  Desk& desk_;
  std::string address_;
  std::function<void()> abort_;
  std::function<void()> leave_;
  std::string reason_;
  Time deadline_ = Time::max();
  bool known_ = false;
  std::list<Guest*>::iterator place_;
};

}  // namespace crypelab::signaling
