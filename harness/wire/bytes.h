#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace crypelab::wire {

// Bytes as they are on the wire. A view: valid as long as the buffer that it was made from.
using Bytes = std::span<const std::uint8_t>;

inline Bytes bytes_of(std::string_view text) {
  return {static_cast<const std::uint8_t*>(static_cast<const void*>(text.data())), text.size()};
}
inline std::string_view text_of(Bytes bytes) {
  return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

// An unsigned integer in network order at `offset`. The caller has checked that it is there.
template <class Number>
Number load(Bytes bytes, std::size_t offset) {
  static_assert(std::is_unsigned_v<Number>);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) value = value << 8 | bytes[offset + i];
  return static_cast<Number>(value);
}
template <class Number>
void store(std::span<std::uint8_t> bytes, std::size_t offset, Number value) {
  static_assert(std::is_unsigned_v<Number>);
  for (std::size_t i = sizeof(Number); i-- > 0; value = static_cast<Number>(value >> 4 >> 4)) {
    bytes[offset + i] = static_cast<std::uint8_t>(value & 0xff);
  }
}

// `size` rounded up to a multiple of four, the alignment of STUN attributes, ChannelData over streams and pcapng.
constexpr std::size_t padded4(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

}  // namespace crypelab::wire
