#pragma once

#include "harness/wire/bytes.h"

#include <array>
#include <initializer_list>
#include <string>

namespace crypelab::wire {

enum class Hash { md5, sha1, sha256, sha512_256 };

// At most 32 bytes.
struct HashValue {
  std::array<std::uint8_t, 32> bytes{};
  std::size_t size = 0;
  Bytes view() const { return Bytes(bytes).first(size); }
};

// Over the pieces one after another. They throw Failure when the crypto library does not offer the algorithm (a FIPS
// build without MD5), never because of the input.
HashValue hash(Hash algorithm, std::initializer_list<Bytes> pieces);
HashValue hmac(Hash algorithm, Bytes key, std::initializer_list<Bytes> pieces);  // RFC 2104

std::string lower_hex(Bytes bytes);

// For secrets: the time depends on the sizes alone.
bool equal_in_constant_time(Bytes a, Bytes b);

}  // namespace crypelab::wire
