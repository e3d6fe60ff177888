#pragma once

#include "harness/wire/bytes.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

// How the messages of NTLM lie in memory (MS-NLMP section 2.2): what both ends of it need, each with its own logic.
namespace crypelab::wire::ntlm {

inline constexpr std::string_view signature("NTLMSSP\0", 8);

// Section 2.2.2.5.
inline constexpr std::uint32_t unicode = 0x00000001;
inline constexpr std::uint32_t request_target = 0x00000004;
inline constexpr std::uint32_t session_ntlm = 0x00000200;
inline constexpr std::uint32_t always_sign = 0x00008000;
inline constexpr std::uint32_t target_is_domain = 0x00010000;
inline constexpr std::uint32_t extended_security = 0x00080000;
inline constexpr std::uint32_t target_info = 0x00800000;
inline constexpr std::uint32_t keys = 0xa0000000;  // of 56 and 128 bits

// Section 2.2.2.1: what stands in the target information.
inline constexpr std::uint16_t end_of_list = 0;
inline constexpr std::uint16_t server_name = 1;
inline constexpr std::uint16_t domain_name = 2;
inline constexpr std::uint16_t time_stamp = 7;

// Everything of NTLM is little-endian.
inline std::uint32_t little(Bytes bytes, std::size_t offset, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | bytes[offset + i];
  return value;
}
inline void put(std::vector<std::uint8_t>& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// Length, room, offset (section 2.2.1.3) of a part of the message.
inline void put_field(std::vector<std::uint8_t>& out, std::size_t size, std::size_t offset) {
  put(out, size, 2);
  put(out, size, 2);
  put(out, offset, 4);
}
// The part whose length stands at `at`; nothing when it does not lie in the message.
inline std::optional<Bytes> field(Bytes message, std::size_t at) {
  if (message.size() < at + 8) return std::nullopt;
  const std::size_t size = little(message, at, 2);
  const std::size_t offset = little(message, at + 4, 4);
  if (size == 0) return Bytes();
  if (offset > message.size() || size > message.size() - offset) return std::nullopt;
  return message.subspan(offset, size);
}

}  // namespace crypelab::wire::ntlm
