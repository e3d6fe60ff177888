#pragma once

#include "harness/base/result.h"

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace crypelab {

enum class Family : std::uint8_t { v4, v6 };

// An IPv4 or IPv6 address; a value without sockets. Bytes in network order; an IPv4 address uses the first four.
class Address {
 public:
  Address() = default;  // 0.0.0.0
  static Address v4(std::uint32_t host_order);
  static Address v6(const std::array<std::uint8_t, 16>& bytes);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::v4; }
  bool is_v6() const { return family_ == Family::v6; }
  const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  std::uint32_t v4_host_order() const;  // only for is_v4()
  unsigned bits() const { return is_v4() ? 32 : 128; }
  // This address plus `offset`, counted in its own family.
  Address plus(std::uint64_t offset) const;

  auto operator<=>(const Address&) const = default;

 private:
  Family family_ = Family::v4;
  std::array<std::uint8_t, 16> bytes_{};
};

// Address and prefix length. `network()` has the host bits cleared; an interface's own address keeps them.
struct Prefix {
  Address address;
  unsigned length = 0;

  Address network() const;
  bool contains(const Address& other) const;
  bool overlaps(const Prefix& other) const;
  auto operator<=>(const Prefix&) const = default;
};

struct Endpoint {
  Address address;
  std::uint16_t port = 0;
  auto operator<=>(const Endpoint&) const = default;
};

Result<Address> parse_address(std::string_view text);
Result<Prefix> parse_prefix(std::string_view text);      // "10.0.0.0/24", "2001:db8::/64"; a length is required
Result<Endpoint> parse_endpoint(std::string_view text);  // "10.0.0.1:53", "[2001:db8::1]:53"

std::string to_string(const Address& address);
std::string to_string(const Prefix& prefix);
std::string to_string(const Endpoint& endpoint);

}  // namespace crypelab
