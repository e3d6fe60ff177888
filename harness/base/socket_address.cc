#include "harness/base/socket_address.h"

#include <algorithm>
#include <cstring>

#include <netinet/in.h>

namespace crypelab {

SocketAddress::SocketAddress(const Endpoint& endpoint) {
  if (endpoint.address.is_v4()) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(endpoint.port);
    four.sin_addr.s_addr = htonl(endpoint.address.v4_host_order());
    std::memcpy(&storage_, &four, sizeof four);
    size_ = sizeof four;
  } else {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(endpoint.port);
    std::ranges::copy(endpoint.address.bytes(), std::begin(six.sin6_addr.s6_addr));
    std::memcpy(&storage_, &six, sizeof six);
    size_ = sizeof six;
  }
}

socklen_t* SocketAddress::size_for_kernel() {
  size_ = sizeof storage_;
  return &size_;
}

Endpoint SocketAddress::endpoint() const {
  if (storage_.ss_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, &storage_, sizeof four);
    return {Address::v4(ntohl(four.sin_addr.s_addr)), ntohs(four.sin_port)};
  }
  if (storage_.ss_family != AF_INET6) return {};
  sockaddr_in6 six{};
  std::memcpy(&six, &storage_, sizeof six);
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(six.sin6_addr.s6_addr, bytes.begin());
  if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
    return {Address::v4(std::uint32_t{bytes[12]} << 24 | std::uint32_t{bytes[13]} << 16 |
                        std::uint32_t{bytes[14]} << 8 | bytes[15]),
            ntohs(six.sin6_port)};
  }
  return {Address::v6(bytes), ntohs(six.sin6_port)};
}

}  // namespace crypelab
