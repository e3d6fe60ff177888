#include "harness/base/address.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>

namespace crypelab {
namespace {

template <class Number>
bool parse_number(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

}  // namespace

Address Address::v4(std::uint32_t host_order) {
  Address address;
  for (unsigned i = 0; i < 4; ++i) address.bytes_[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  return address;
}

Address Address::v6(const std::array<std::uint8_t, 16>& bytes) {
  Address address;
  address.family_ = Family::v6;
  address.bytes_ = bytes;
  return address;
}

std::uint32_t Address::v4_host_order() const {
  return std::uint32_t{bytes_[0]} << 24 | std::uint32_t{bytes_[1]} << 16 | std::uint32_t{bytes_[2]} << 8 | bytes_[3];
}

Address Address::plus(std::uint64_t offset) const {
  Address result = *this;
  std::uint64_t carry = offset;
  for (int i = (is_v4() ? 4 : 16) - 1; i >= 0 && carry != 0; --i) {
    const auto index = static_cast<std::size_t>(i);
    const std::uint64_t sum = result.bytes_[index] + (carry & 0xff);
    result.bytes_[index] = static_cast<std::uint8_t>(sum);
    carry = (carry >> 8) + (sum >> 8);
  }
  return result;
}

Address Prefix::network() const {
  auto bytes = address.bytes();
  const unsigned total = address.bits() / 8;
  for (unsigned i = 0; i < total; ++i) {
    const unsigned kept = length > 8 * i ? std::min(8u, length - 8 * i) : 0;
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00u >> kept));
  }
  if (address.is_v6()) return Address::v6(bytes);
  return Address::v4(std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
                     bytes[3]);
}

bool Prefix::contains(const Address& other) const {
  return other.family() == address.family() && Prefix{other, length}.network() == network();
}

bool Prefix::overlaps(const Prefix& other) const {
  return length <= other.length ? contains(other.address) : other.contains(address);
}

Result<Address> parse_address(std::string_view text) {
  const std::string copy(text.substr(0, text.find('\0') == std::string_view::npos ? text.size() : 0));
  in_addr four{};
  if (inet_pton(AF_INET, copy.c_str(), &four) == 1) {
    return Address::v4(ntohl(four.s_addr));
  }
  in6_addr six{};
  if (inet_pton(AF_INET6, copy.c_str(), &six) == 1) {
    std::array<std::uint8_t, 16> bytes{};
    std::copy(std::begin(six.s6_addr), std::end(six.s6_addr), bytes.begin());
    return Address::v6(bytes);
  }
  return Complaint{"'" + std::string(text) + "' is not an IPv4 or IPv6 address"};
}

Result<Prefix> parse_prefix(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) {
    return Complaint{"'" + std::string(text) + "' has no prefix length; write it like 10.20.0.0/24"};
  }
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return Complaint{address.complaint()};
  unsigned length = 0;
  if (!parse_number(text.substr(slash + 1), length) || length > address->bits()) {
    return Complaint{"'" + std::string(text) + "': the prefix length must be 0 to " + std::to_string(address->bits())};
  }
  return Prefix{*address, length};
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  const Complaint wrong{"'" + std::string(text) + "' is not address:port, like 10.0.0.1:53 or [2001:db8::1]:53"};
  if (colon == std::string_view::npos) return wrong;
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = parse_address(host);
  std::uint16_t port = 0;
  if (!address || address->is_v6() != bracketed || !parse_number(text.substr(colon + 1), port)) return wrong;
  return Endpoint{*address, port};
}

std::string to_string(const Address& address) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(address.is_v4() ? AF_INET : AF_INET6, address.bytes().data(), text, sizeof text);
  return text;
}

std::string to_string(const Prefix& prefix) { return to_string(prefix.address) + "/" + std::to_string(prefix.length); }

std::string to_string(const Endpoint& endpoint) {
  const std::string host = to_string(endpoint.address);
  return (endpoint.address.is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(endpoint.port);
}

}  // namespace crypelab
