#include "harness/wire/stun_attributes.h"

#include <algorithm>

namespace crypelab::wire {
namespace {

constexpr std::uint8_t family_v4 = 1;
constexpr std::uint8_t family_v6 = 2;

std::optional<Family> family_of(std::uint8_t value) {
  if (value == family_v4) return Family::v4;
  if (value == family_v6) return Family::v6;
  return std::nullopt;
}

// The 16 bytes that an address is XORed with: cookie, then transaction id (RFC 8489 §14.2).
std::array<std::uint8_t, 16> mask_of(const TransactionId& transaction) {
  std::array<std::uint8_t, 16> mask{};
  store(mask, 0, stun_magic_cookie);
  std::copy(transaction.begin(), transaction.end(), mask.begin() + 4);
  return mask;
}

StunAddressValue encode(const Endpoint& endpoint, const std::array<std::uint8_t, 16>& mask) {
  StunAddressValue value;
  const std::size_t length = endpoint.address.is_v4() ? 4 : 16;
  value.size = 4 + length;
  value.bytes[1] = endpoint.address.is_v4() ? family_v4 : family_v6;
  store(value.bytes, 2, static_cast<std::uint16_t>(endpoint.port ^ load<std::uint16_t>(mask, 0)));
  for (std::size_t i = 0; i < length; ++i) {
    value.bytes[4 + i] = static_cast<std::uint8_t>(endpoint.address.bytes()[i] ^ mask[i]);
  }
  return value;
}

std::optional<Endpoint> decode(Bytes value, const std::array<std::uint8_t, 16>& mask) {
  if (value.size() < 4) return std::nullopt;
  const auto family = family_of(value[1]);
  if (!family || value.size() != (*family == Family::v4 ? 8 : 20)) return std::nullopt;
  std::array<std::uint8_t, 16> address{};
  for (std::size_t i = 0; i + 4 < value.size(); ++i) address[i] = static_cast<std::uint8_t>(value[4 + i] ^ mask[i]);
  const auto port = static_cast<std::uint16_t>(load<std::uint16_t>(value, 2) ^ load<std::uint16_t>(mask, 0));
  if (*family == Family::v4) return Endpoint{Address::v4(load<std::uint32_t>(address, 0)), port};
  return Endpoint{Address::v6(address), port};
}

// Class (hundreds) and number as in RFC 8489 §14.8.
std::optional<unsigned> error_number(std::uint8_t hundreds, std::uint8_t number) {
  const unsigned error_class = hundreds & 7u;
  if (error_class < 3 || error_class > 6 || number > 99) return std::nullopt;
  return error_class * 100 + number;
}

}  // namespace

std::optional<Endpoint> decode_address(Bytes value) { return decode(value, {}); }

std::optional<Endpoint> decode_xor_address(Bytes value, const TransactionId& transaction) {
  return decode(value, mask_of(transaction));
}

std::optional<std::uint16_t> decode_u16(Bytes value) {
  if (value.size() != 2 && value.size() != 4) return std::nullopt;
  return load<std::uint16_t>(value, 0);
}

std::optional<std::uint32_t> decode_u32(Bytes value) {
  if (value.size() != 4) return std::nullopt;
  return load<std::uint32_t>(value, 0);
}

std::optional<std::uint64_t> decode_u64(Bytes value) {
  if (value.size() != 8) return std::nullopt;
  return load<std::uint64_t>(value, 0);
}

std::optional<StunError> decode_error_code(Bytes value) {
  if (value.size() < 4) return std::nullopt;
  const auto code = error_number(value[2], value[3]);
  if (!code) return std::nullopt;
  return StunError{*code, text_of(value.subspan(4))};
}

std::optional<StunAddressError> decode_address_error(Bytes value) {
  if (value.size() < 4) return std::nullopt;
  const auto family = family_of(value[0]);
  const auto code = error_number(value[2], value[3]);
  if (!family || !code) return std::nullopt;
  return StunAddressError{*family, *code, text_of(value.subspan(4))};
}

std::optional<StunIcmp> decode_icmp(Bytes value) {
  if (value.size() != 8) return std::nullopt;
  const auto both = load<std::uint16_t>(value, 2);
  return StunIcmp{static_cast<std::uint8_t>(both >> 9), static_cast<std::uint16_t>(both & 0x1ff),
                  load<std::uint32_t>(value, 4)};
}

std::optional<StunChangeRequest> decode_change_request(Bytes value) {
  if (value.size() != 4) return std::nullopt;
  return StunChangeRequest{(value[3] & 4) != 0, (value[3] & 2) != 0};
}

std::optional<Family> decode_family(Bytes value) {
  if (value.size() != 4) return std::nullopt;
  return family_of(value[0]);
}

std::optional<std::uint8_t> decode_protocol(Bytes value) {
  if (value.size() != 4) return std::nullopt;
  return value[0];
}

std::optional<bool> decode_even_port(Bytes value) {
  if (value.size() != 1) return std::nullopt;
  return (value[0] & 0x80) != 0;
}

std::optional<std::vector<StunAttribute>> decode_unknown_attributes(Bytes value) {
  if (value.size() % 2 != 0) return std::nullopt;
  std::vector<StunAttribute> types;
  types.reserve(value.size() / 2);
  for (std::size_t i = 0; i < value.size(); i += 2) types.push_back(StunAttribute{load<std::uint16_t>(value, i)});
  return types;
}

std::optional<std::vector<StunPasswordAlgorithm>> decode_password_algorithms(Bytes value) {
  std::vector<StunPasswordAlgorithm> offered;
  while (!value.empty()) {
    if (value.size() < 4) return std::nullopt;
    const std::size_t length = load<std::uint16_t>(value, 2);
    if (value.size() < 4 + length) return std::nullopt;
    offered.push_back({PasswordAlgorithm{load<std::uint16_t>(value, 0)}, value.subspan(4, length)});
    // The last one's padding may have been left to the attribute's own.
    value = value.subspan(std::min(value.size(), 4 + padded4(length)));
  }
  if (offered.empty()) return std::nullopt;
  return offered;
}

StunAddressValue encode_address(const Endpoint& endpoint) { return encode(endpoint, {}); }

StunAddressValue encode_xor_address(const Endpoint& endpoint, const TransactionId& transaction) {
  return encode(endpoint, mask_of(transaction));
}

}  // namespace crypelab::wire
