#pragma once

#include "harness/probe/arrivals.h"
#include "harness/probe/binding_server.h"
#include "harness/probe/dialogue.h"

#include <span>
#include <string>

namespace crypelab::probe {

// The far side of one TCP connection, without clock and socket: STUN messages are answered one by one, behind an
// opening (opening.h) if there is one; a header of packet.h opens an echo, a sink that reports when the other side has
// finished, or a source for so many microseconds. Anything else ends it.
class Conversation {
 public:
  static constexpr std::size_t max_outgoing = 256 << 10;  // nothing more is read until it has gone
  static constexpr Duration max_source = std::chrono::seconds(10);

  Conversation(std::span<const Endpoint> sockets, std::size_t socket, const Endpoint& from)
      : sockets_(sockets), socket_(socket), from_(from) {}

  void receive(wire::Bytes bytes, Time now);
  void finished(Time now);  // the other side will send no more
  // What is to be sent; the number of bytes that went is told by `sent`.
  wire::Bytes outgoing() const { return wire::Bytes(outgoing_).subspan(outgoing_at_); }
  void sent(std::size_t bytes, Time now);
  bool may_read() const { return outgoing().size() < max_outgoing && mode_ != Mode::over; }
  bool over() const { return mode_ == Mode::over && outgoing().empty(); }
  std::vector<std::string> take_tokens() { return std::exchange(tokens_, {}); }

 private:
  enum class Mode { undecided, stun, echo, sink, source, over };
  void decide(Time now);
  void answer_stun();
  void refill(Time now);

  std::span<const Endpoint> sockets_;
  std::size_t socket_;
  Endpoint from_;
  Mode mode_ = Mode::undecided;
  bool opened_ = false;  // an opening has been read, or there is none
  std::vector<std::uint8_t> incoming_;
  std::vector<std::uint8_t> outgoing_;
  std::size_t outgoing_at_ = 0;
  Time source_ends_{0};
  Arrivals sink_;
  std::vector<std::string> tokens_;
};

}  // namespace crypelab::probe
