#pragma once

#include "harness/base/address.h"
#include "harness/wire/bytes.h"
#include "harness/wire/stun_types.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

// The values of STUN and TURN attributes. Decoders take the value without header and padding and give nothing when its
// form is wrong; reserved bits are ignored. How to write them: StunWriter.

namespace crypelab::wire {

// ERROR-CODE, RFC 8489 §14.8: 300 to 699. The reason is for people only.
struct StunError {
  unsigned code = 0;
  std::string_view reason;
};

// ADDRESS-ERROR-CODE, RFC 8656 §18.12.
struct StunAddressError {
  Family family = Family::v4;
  unsigned code = 0;
  std::string_view reason;
};

// ICMP, RFC 8656 §18.13: type has 7 bits, code 9.
struct StunIcmp {
  std::uint8_t type = 0;
  std::uint16_t code = 0;
  std::uint32_t data = 0;
};

// CHANGE-REQUEST, RFC 5780 §7.2.
struct StunChangeRequest {
  bool address = false;
  bool port = false;
};

// RFC 8489 §18.5. Other values occur and are kept.
enum class PasswordAlgorithm : std::uint16_t { md5 = 1, sha256 = 2 };

struct StunPasswordAlgorithm {
  PasswordAlgorithm algorithm = PasswordAlgorithm::md5;
  Bytes parameters;  // empty for both algorithms above
};

// MAPPED-ADDRESS and its kin (RFC 8489 §14.1), and the XOR forms (§14.2), which need the transaction id for IPv6.
std::optional<Endpoint> decode_address(Bytes value);
std::optional<Endpoint> decode_xor_address(Bytes value, const TransactionId& transaction);
std::optional<std::uint16_t> decode_u16(Bytes value);  // 2 bytes, or 4 of which the last two are reserved
std::optional<std::uint32_t> decode_u32(Bytes value);
std::optional<std::uint64_t> decode_u64(Bytes value);
std::optional<StunError> decode_error_code(Bytes value);
std::optional<StunAddressError> decode_address_error(Bytes value);
std::optional<StunIcmp> decode_icmp(Bytes value);
std::optional<StunChangeRequest> decode_change_request(Bytes value);
std::optional<Family> decode_family(Bytes value);          // REQUESTED- and ADDITIONAL-ADDRESS-FAMILY
std::optional<std::uint8_t> decode_protocol(Bytes value);  // REQUESTED-TRANSPORT: 17 is UDP, 6 is TCP
std::optional<bool> decode_even_port(Bytes value);         // whether the next port is to be reserved as well
std::optional<std::vector<StunAttribute>> decode_unknown_attributes(Bytes value);
// PASSWORD-ALGORITHM holds exactly one of them, PASSWORD-ALGORITHMS one or more (RFC 8489 §14.11, §14.12).
std::optional<std::vector<StunPasswordAlgorithm>> decode_password_algorithms(Bytes value);

// Whether the value of this attribute is an address XORed with cookie and transaction id.
constexpr bool is_xor_address(StunAttribute type) {
  return type == StunAttribute::xor_mapped_address || type == StunAttribute::xor_peer_address ||
         type == StunAttribute::xor_relayed_address;
}

// The value of an address attribute, at most 20 bytes.
struct StunAddressValue {
  std::array<std::uint8_t, 20> bytes{};
  std::size_t size = 0;
  Bytes view() const { return Bytes(bytes).first(size); }
};
StunAddressValue encode_address(const Endpoint& endpoint);
StunAddressValue encode_xor_address(const Endpoint& endpoint, const TransactionId& transaction);

}  // namespace crypelab::wire
