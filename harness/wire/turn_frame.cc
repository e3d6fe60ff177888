#include "harness/wire/turn_frame.h"

#include "harness/wire/stun_types.h"

#include <algorithm>

#include <fmt/format.h>

namespace crypelab::wire {

std::optional<ChannelData> parse_channel_data(Bytes datagram) {
  if (datagram.size() < channel_data_header_size || !looks_like_channel_data(datagram)) return std::nullopt;
  const std::size_t size = load<std::uint16_t>(datagram, 2);
  if (datagram.size() - channel_data_header_size < size) return std::nullopt;
  return ChannelData{load<std::uint16_t>(datagram, 0), datagram.subspan(channel_data_header_size, size)};
}

std::array<std::uint8_t, channel_data_header_size> channel_data_header(std::uint16_t channel,
                                                                       std::size_t payload_size) {
  std::array<std::uint8_t, channel_data_header_size> header{};
  store(header, 0, channel);
  store(header, 2, static_cast<std::uint16_t>(payload_size));
  return header;
}

Bytes write_channel_data(std::span<std::uint8_t> out, std::uint16_t channel, Bytes payload, Padding padding) {
  const std::size_t size = padding == Padding::none ? payload.size() : padded4(payload.size());
  if (payload.size() > 0xFFFF || out.size() < channel_data_header_size + size) return {};
  const auto header = channel_data_header(channel, payload.size());
  const auto body = std::copy(header.begin(), header.end(), out.begin());
  const auto end = std::copy(payload.begin(), payload.end(), body);
  std::fill_n(end, size - payload.size(), std::uint8_t{0});
  return out.first(channel_data_header_size + size);
}

void TurnStream::feed(Bytes arrived) {
  if (!fault_) buffer_.append(arrived);
}

std::optional<TurnFrame> TurnStream::next() {
  const Bytes pending = buffer_.view();
  if (fault_ || pending.empty()) return std::nullopt;
  if (looks_like_channel_data(pending)) return next_channel_data(pending);
  if (pending[0] < 4) return next_stun(pending);  // RFC 7983 §7
  fault_ = fmt::format("a message that begins with 0x{:02x} is neither STUN nor ChannelData", pending[0]);
  return std::nullopt;
}

std::optional<TurnFrame> TurnStream::next_stun(Bytes pending) {
  std::array<std::uint8_t, 4> cookie{};
  store(cookie, 0, stun_magic_cookie);
  const Bytes found = pending.subspan(std::min<std::size_t>(pending.size(), 4));
  if (pending.size() >= 4 && pending[3] % 4 != 0) {
    fault_ = "the length of a STUN message is not a multiple of four";
  } else if (!std::equal(cookie.begin(), cookie.begin() + std::min<std::ptrdiff_t>(std::ssize(found), 4),
                         found.begin())) {
    fault_ = "a STUN message lacks the magic cookie";
  }
  if (fault_ || pending.size() < stun_header_size) return std::nullopt;
  const std::size_t size = stun_header_size + load<std::uint16_t>(pending, 2);
  if (pending.size() < size) return std::nullopt;
  buffer_.consume(size);
  return TurnFrame{TurnFrame::Kind::stun, pending.first(size)};
}

std::optional<TurnFrame> TurnStream::next_channel_data(Bytes pending) {
  if (pending.size() < channel_data_header_size) return std::nullopt;
  const std::size_t payload = load<std::uint16_t>(pending, 2);
  const std::size_t size = channel_data_header_size + padded4(payload);
  if (pending.size() < size) return std::nullopt;
  buffer_.consume(size);
  return TurnFrame{TurnFrame::Kind::channel_data, pending.first(channel_data_header_size + payload)};
}

std::array<std::uint8_t, 2> length_prefix(std::size_t size) {
  return {static_cast<std::uint8_t>(size >> 8 & 0xff), static_cast<std::uint8_t>(size & 0xff)};
}

std::optional<Bytes> LengthStream::next() {
  const Bytes pending = buffer_.view();
  if (pending.size() < 2) return std::nullopt;
  const std::size_t size = load<std::uint16_t>(pending, 0);
  if (pending.size() - 2 < size) return std::nullopt;
  buffer_.consume(2 + size);
  return pending.subspan(2, size);
}

}  // namespace crypelab::wire
