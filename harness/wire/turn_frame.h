#pragma once

#include "harness/wire/bytes.h"
#include "harness/wire/stream_buffer.h"

#include <array>
#include <optional>
#include <string>

// How TURN and ICE messages are told apart and delimited: ChannelData (RFC 8656 §12.4 to §12.6), STUN and ChannelData
// on a stream (§12.5, RFC 8489 §6.2.2), and the 16-bit length of RFC 4571 §2 that ICE-TCP uses (RFC 6544 §3).

namespace crypelab::wire {

inline constexpr std::uint16_t first_channel = 0x4000;
inline constexpr std::uint16_t last_channel = 0x4FFF;
inline constexpr std::size_t channel_data_header_size = 4;

// Number and payload of a ChannelData message, in place.
struct ChannelData {
  std::uint16_t channel = 0;
  Bytes payload;
};

// Whether a datagram, or a stream, begins with ChannelData (RFC 7983 §7).
inline bool looks_like_channel_data(Bytes bytes) { return !bytes.empty() && bytes[0] >= 0x40 && bytes[0] <= 0x4F; }

// From a datagram: bytes behind the payload are padding and ignored (RFC 8656 §12.6); nothing when it is cut off.
std::optional<ChannelData> parse_channel_data(Bytes datagram);

// The four bytes in front of a payload of at most 65,535 bytes. A stream needs padded4(size) - size bytes behind it.
std::array<std::uint8_t, channel_data_header_size> channel_data_header(std::uint16_t channel, std::size_t payload_size);

enum class Padding { none, to_four };

// The whole message in `out`: what was written, or nothing when it does not fit. Over a stream padding is a MUST
// (§12.5).
Bytes write_channel_data(std::span<std::uint8_t> out, std::uint16_t channel, Bytes payload, Padding padding);

struct TurnFrame {
  enum class Kind { stun, channel_data } kind = Kind::stun;
  Bytes bytes;  // a whole STUN message, or ChannelData with its header and without padding
};

// Cuts a TURN connection over TCP or TLS into messages, whatever the segments. After each `feed` call `next` until it
// gives nothing: then at most one unfinished message is held, less than 65,560 bytes.
class TurnStream {
 public:
  void feed(Bytes arrived);
  // The view is valid until the next `feed`.
  std::optional<TurnFrame> next();
  // Why the bytes cannot be a TURN stream, as soon as one says so; there is no way back into step.
  const std::optional<std::string>& fault() const { return fault_; }

 private:
  std::optional<TurnFrame> next_stun(Bytes pending);
  std::optional<TurnFrame> next_channel_data(Bytes pending);

  StreamBuffer buffer_;
  std::optional<std::string> fault_;
};

// The two bytes in front of a packet of at most 65,535 bytes on an ICE-TCP stream.
std::array<std::uint8_t, 2> length_prefix(std::size_t size);

// Cuts an ICE-TCP connection into packets. Every length is allowed; use as TurnStream.
class LengthStream {
 public:
  void feed(Bytes arrived) { buffer_.append(arrived); }
  std::optional<Bytes> next();

 private:
  StreamBuffer buffer_;
};

}  // namespace crypelab::wire
