#include "clients/reference/datachannel/dcep.h"

namespace crypelab::client::datachannel {
namespace {

constexpr std::uint8_t ack_type = 0x02;
constexpr std::uint8_t open_type = 0x03;
constexpr std::size_t open_header = 12;

// RFC 8832 §5.1: the kind of channel, and the bit that says "unordered".
constexpr std::uint8_t kind_reliable = 0x00;
constexpr std::uint8_t kind_retransmissions = 0x01;
constexpr std::uint8_t kind_timed = 0x02;
constexpr std::uint8_t unordered = 0x80;

}  // namespace

Result<ChannelMessage> parse_channel_message(wire::Bytes message) {
  if (message.empty()) return Complaint{"an empty message"};
  if (message[0] == ack_type) return ChannelMessage(ChannelAck{});
  if (message[0] != open_type) return Complaint{"neither an open nor an acknowledgement"};
  if (message.size() < open_header) return Complaint{"an open that is cut off"};
  const std::size_t label = wire::load<std::uint16_t>(message, 8);
  const std::size_t protocol = wire::load<std::uint16_t>(message, 10);
  if (message.size() != open_header + label + protocol) return Complaint{"an open whose lengths are wrong"};
  if (label > longest_label || protocol > longest_label) return Complaint{"an open with a label that is too long"};
  const auto kind = static_cast<std::uint8_t>(message[1] & ~unordered);
  if (kind > kind_timed) return Complaint{"an open of an unknown kind"};
  const auto parameter = wire::load<std::uint32_t>(message, 4);
  ChannelSettings channel{.label = std::string(wire::text_of(message.subspan(open_header, label))),
                          .protocol = std::string(wire::text_of(message.subspan(open_header + label))),
                          .ordered = (message[1] & unordered) == 0,
                          .reliable = kind == kind_reliable,
                          .timed = kind == kind_timed,
                          .priority = wire::load<std::uint16_t>(message, 2)};
  if (kind == kind_retransmissions) channel.retransmissions = parameter;
  if (kind == kind_timed) channel.lifetime_ms = parameter;
  return ChannelMessage(std::move(channel));
}

std::vector<std::uint8_t> open_message(const ChannelSettings& channel) {
  std::vector<std::uint8_t> out(open_header);
  const auto kind = channel.reliable ? kind_reliable : channel.timed ? kind_timed : kind_retransmissions;
  out[0] = open_type;
  out[1] = static_cast<std::uint8_t>(kind | (channel.ordered ? 0 : unordered));
  wire::store<std::uint16_t>(out, 2, channel.priority);
  const auto parameter = channel.reliable ? 0 : channel.timed ? channel.lifetime_ms : channel.retransmissions;
  wire::store<std::uint32_t>(out, 4, parameter);
  wire::store<std::uint16_t>(out, 8, static_cast<std::uint16_t>(channel.label.size()));
  wire::store<std::uint16_t>(out, 10, static_cast<std::uint16_t>(channel.protocol.size()));
  const auto append = [&](std::string_view text) {
    const auto bytes = wire::bytes_of(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
  };
  append(channel.label);
  append(channel.protocol);
  return out;
}

std::vector<std::uint8_t> ack_message() { return {ack_type}; }

}  // namespace crypelab::client::datachannel
