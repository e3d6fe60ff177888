#pragma once

#include "clients/reference/signaling/message.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace crypelab::client::signaling {

// What was sent and not yet acknowledged, and how far the peer's messages were read: with it a client goes on after any
// break, on either transport, and nothing is lost or repeated.
class Mailbox {
 public:
  static constexpr std::size_t most_bytes = 1U << 20U;  // what a room holds

  // False when more waits than any room would take.
  bool post(Message message);

  // A connection begins: nothing is sent before the server has said what it has.
  void disconnected();
  // The server has this client's messages up to `stored`.
  void acknowledged(std::uint64_t stored);
  // The next message to send over the connection that stands, with its number; as often as there is one.
  std::optional<std::string> next_to_send();
  // The same message again: it did not get through.
  void unsent();
  // The server refused what was sent with this number, for good: it is not sent again.
  void refused(std::uint64_t seq);

  // What the server gave; nothing when it was read before. Acknowledgements and the server's refusals are dealt with.
  std::optional<Message> take(Message message);
  // The largest number of the peer's messages seen.
  std::uint64_t position() const { return position_; }
  // The room is another one than before, or nobody was there for long: read it from its beginning.
  void rewind() { position_ = 0; }

  bool all_stored() const { return waiting_.empty(); }

 private:
  std::deque<Message> waiting_;  // not acknowledged; the first has number `first_`
  std::size_t bytes_ = 0;
  std::uint64_t first_ = 1;
  std::size_t sent_ = 0;  // of `waiting_`, over this connection
  bool greeted_ = false;  // the server has said what it has, on this connection
  bool ever_greeted_ = false;
  std::uint64_t position_ = 0;
};

}  // namespace crypelab::client::signaling
