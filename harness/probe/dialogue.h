#pragma once

#include "harness/base/measure.h"
#include "harness/wire/bytes.h"

#include <memory>
#include <optional>
#include <vector>

namespace crypelab::probe {

// Time since the program's start.
using Time = Duration;

struct Outgoing {
  unsigned socket = 0;
  Endpoint to;
  std::vector<std::uint8_t> bytes;
  bool whole = false;  // must not be fragmented, whatever the path MTU is believed to be
};

// An error that the kernel tells about a packet that was sent.
struct Unreached {
  measure::Outcome outcome = measure::Outcome::no_route;
  std::optional<Address> from;           // who sent the ICMP error; absent: the machine itself
  std::optional<std::uint32_t> too_big;  // it said "too big" instead, and this MTU (0: none told)
  Endpoint to;
};

// One question over UDP as a state machine: told the time and handed datagrams, it gives datagrams to send and the time
// at which it wants to be woken. Without clock and socket, so that a test can put any network between it and an answer.
class Dialogue {
 public:
  virtual ~Dialogue() = default;

  // How many sockets it wants, numbered from 0, and where the first packet goes: the machine's own address for that is
  // theirs.
  virtual unsigned sockets() const { return 1; }
  virtual Endpoint target() const = 0;
  // The local endpoints of the sockets, in order. Called once, first.
  virtual void start(const std::vector<Endpoint>& locals, Time now) = 0;
  virtual void receive(unsigned socket, const Endpoint& from, wire::Bytes bytes, Time now) = 0;
  virtual void unreached(unsigned /*socket*/, const Unreached& /*error*/, Time /*now*/) {}
  // Called at `next()` or later, never before.
  virtual void wake(Time now) = 0;
  virtual std::optional<Time> next() const = 0;
  virtual bool done() const = 0;
  // What is known, also when it is not done.
  virtual measure::Finding finding() const = 0;

  // What is to be sent since the last call, in order.
  std::vector<Outgoing> take() { return std::exchange(outgoing_, {}); }

 protected:
  void send(unsigned socket, const Endpoint& to, std::vector<std::uint8_t> bytes, bool whole = false) {
    outgoing_.push_back({socket, to, std::move(bytes), whole});
  }

 private:
  std::vector<Outgoing> outgoing_;
};

}  // namespace crypelab::probe
