#pragma once

#include "clients/reference/datachannel/dcep.h"
#include "clients/reference/datachannel/sctp_stack.h"
#include "harness/wire/bytes.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct socket;

namespace crypelab::client::datachannel {

// How one message is carried (RFC 8831 §6.4).
struct Carriage {
  std::uint16_t stream = 0;
  Payload payload = Payload::binary;
  bool ordered = true;
  std::optional<std::uint32_t> retransmissions;  // absent: reliable
  std::optional<std::uint32_t> lifetime_ms;
};

// One SCTP association over DTLS (RFC 8261, RFC 8831): packets in, packets out. Both sides begin.
class Sctp {
 public:
  class Output {
   public:
    virtual ~Output() = default;
    // From within the functions of this class and of SctpStack; must not call back into them.
    virtual void sctp_packet(wire::Bytes packet) = 0;
  };
  struct Settings {
    std::uint16_t local_port = 5'000;
    std::uint16_t remote_port = 5'000;
    // The largest packet, which DTLS adds 37 bytes to.
    std::size_t mtu = 1'060;
    std::size_t most_message = 256 * 1'024;
  };
  struct Message {
    std::uint16_t stream = 0;
    std::uint32_t payload = 0;
    std::vector<std::uint8_t> data;
  };
  enum class State { connecting, up, closed };
  static constexpr std::size_t most_waiting = 4'096;  // messages received and not polled

  // Throws Failure when usrsctp has no socket to give.
  Sctp(Settings settings, Output& out);
  ~Sctp();  // without a word
  Sctp(const Sctp&) = delete;
  Sctp& operator=(const Sctp&) = delete;

  void receive(wire::Bytes packet);
  static constexpr std::uint64_t most_room = 1U << 20U;

  // False when it cannot be taken now: `room` bytes wait to be sent or acknowledged, or the association is not up.
  bool send(wire::Bytes message, const Carriage& carriage, std::uint64_t room = most_room);
  // Closes a stream in this direction (RFC 8831 §6.7).
  void reset(std::uint16_t stream);
  // Tells the other side that this is the end.
  void abort();
  // Takes what timers and packets have brought.
  void collect();
  std::optional<Message> poll();
  // A stream that the other side has closed.
  std::optional<std::uint16_t> poll_reset();
  State state() const { return state_; }
  const std::string& failure() const { return failure_; }

 private:
  friend class SctpStack;
  void notified(wire::Bytes notification);
  void lose(std::string why);

  Settings settings_;
  Output& out_;
  std::uintptr_t number_;
  struct Close {
    void operator()(struct socket* s) const;
  };
  std::unique_ptr<struct socket, Close> socket_;
  std::uint64_t room_ = most_room;  // of the socket's buffer
  State state_ = State::connecting;
  std::string failure_;
  std::deque<Message> messages_;
  std::deque<std::uint16_t> resets_;
  std::vector<std::uint8_t> partial_;
};

}  // namespace crypelab::client::datachannel
