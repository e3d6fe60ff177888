#pragma once

#include "harness/base/result.h"
#include "harness/wire/bytes.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

// The Data Channel Establishment Protocol (RFC 8832).
namespace crypelab::client::datachannel {

// What both sides know of a data channel.
struct ChannelSettings {
  std::string label;
  std::string protocol;
  bool ordered = true;
  bool reliable = true;
  // When not reliable: how often a message is sent again at most.
  std::uint32_t retransmissions = 0;
  // When not reliable: or for how long, in milliseconds; then `retransmissions` says nothing.
  bool timed = false;
  std::uint32_t lifetime_ms = 0;
  std::uint16_t priority = 0;
  bool operator==(const ChannelSettings&) const = default;
};

struct ChannelAck {};
using ChannelMessage = std::variant<ChannelSettings, ChannelAck>;

inline constexpr std::size_t longest_label = 1'024;

// DATA_CHANNEL_OPEN (RFC 8832 §5.1) or DATA_CHANNEL_ACK (§5.2). Labels and protocols longer than `longest_label`, and
// lengths that do not fit the message, are complaints.
Result<ChannelMessage> parse_channel_message(wire::Bytes message);
std::vector<std::uint8_t> open_message(const ChannelSettings& channel);
std::vector<std::uint8_t> ack_message();

// SCTP payload protocol identifiers (RFC 8831 §8).
enum class Payload : std::uint32_t { dcep = 50, text = 51, binary = 53, empty_text = 56, empty_binary = 57 };

}  // namespace crypelab::client::datachannel
