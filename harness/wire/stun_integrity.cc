#include "harness/wire/stun_integrity.h"

#include "harness/wire/digest.h"

#include <algorithm>

namespace crypelab::wire {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1u) != 0 ? value >> 1 ^ 0xEDB88320u : value >> 1;
    table[i] = value;
  }
  return table;
}

// The HMAC of the message up to `offset`, with the length field as if the attribute there, of `size` bytes with its
// header, were the last one (RFC 8489 §14.5).
HashValue integrity_of(Bytes message, std::size_t offset, std::size_t size, Hash algorithm, Bytes key) {
  std::array<std::uint8_t, stun_header_size> header{};
  std::copy_n(message.begin(), header.size(), header.begin());
  store(header, 2, static_cast<std::uint16_t>(offset - stun_header_size + size));
  return hmac(algorithm, key, {header, message.first(offset).subspan(stun_header_size)});
}

}  // namespace

std::uint32_t crc32(Bytes bytes) {
  static constexpr auto table = crc_table();
  std::uint32_t value = 0xFFFFFFFFu;
  for (const std::uint8_t byte : bytes) value = table[(value ^ byte) & 0xff] ^ value >> 8;
  return ~value;
}

StunCheck check_integrity(const StunMessage& message, Bytes key) {
  const auto offset = message.integrity_offset();
  if (!offset) return StunCheck::absent;
  const Bytes found = *message.find(StunAttribute::message_integrity);
  if (found.size() != 20) return StunCheck::invalid;
  const auto computed = integrity_of(message.bytes(), *offset, 24, Hash::sha1, key);
  return equal_in_constant_time(computed.view(), found) ? StunCheck::valid : StunCheck::invalid;
}

StunCheck check_integrity_sha256(const StunMessage& message, Bytes key, std::size_t smallest) {
  const auto offset = message.integrity_sha256_offset();
  if (!offset) return StunCheck::absent;
  const Bytes found = *message.find(StunAttribute::message_integrity_sha256);
  const std::size_t least = std::max<std::size_t>(smallest, 16);
  if (found.size() < least || found.size() > 32 || found.size() % 4 != 0) return StunCheck::invalid;
  const auto computed = integrity_of(message.bytes(), *offset, 4 + found.size(), Hash::sha256, key);
  return equal_in_constant_time(computed.view().first(found.size()), found) ? StunCheck::valid : StunCheck::invalid;
}

StunCheck check_fingerprint(const StunMessage& message) {
  const auto offset = message.fingerprint_offset();
  if (!offset) return StunCheck::absent;
  const auto found = decode_u32(*message.find(StunAttribute::fingerprint));
  const bool last = *offset + 8 == message.bytes().size();
  if (!last || found != (crc32(message.bytes().first(*offset)) ^ stun_fingerprint_mask)) return StunCheck::invalid;
  return StunCheck::valid;
}

}  // namespace crypelab::wire
