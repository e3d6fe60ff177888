#include "clients/reference/ice/priority.h"

#include <algorithm>
#include <array>

namespace crypelab::client::ice {

using Type = wire::IceCandidate::Type;
using Transport = wire::IceCandidate::Transport;
using TcpType = wire::IceCandidate::TcpType;

unsigned type_preference(Type type, Transport transport, RelayedOver over) {
  const bool udp = transport == Transport::udp;
  switch (type) {
    case Type::host:
      return udp ? 126 : 90;
    case Type::prflx:
      return udp ? 110 : 80;
    case Type::srflx:
      return udp ? 100 : 70;
    case Type::relay:
      return over == RelayedOver::tls ? 1 : over == RelayedOver::tcp ? 2 : 3;
  }
  return 0;
}

std::uint32_t candidate_priority(unsigned type_preference, std::uint16_t local_preference) {
  return std::uint32_t{type_preference} << 24 | std::uint32_t{local_preference} << 8 | 255u;
}

std::uint16_t tcp_local_preference(Type type, TcpType direction, std::uint16_t other) {
  static constexpr std::array<unsigned, 3> host{6, 4, 2};       // active, passive, so
  static constexpr std::array<unsigned, 3> reflexive{4, 2, 6};  // behind a NAT simultaneous open is the best chance
  const auto& table = type == Type::host || type == Type::relay ? host : reflexive;
  return static_cast<std::uint16_t>(table[static_cast<std::size_t>(direction)] << 13 | (other & 0x1fffu));
}

std::uint64_t pair_priority(std::uint32_t controlling, std::uint32_t controlled) {
  const std::uint64_t low = std::min(controlling, controlled);
  const std::uint64_t high = std::max(controlling, controlled);
  return (low << 32) + 2 * high + (controlling > controlled ? 1 : 0);
}

std::vector<std::uint16_t> fair_preferences(std::span<const Address> addresses) {
  std::vector<std::uint16_t> preferences(addresses.size());
  unsigned v4 = 0;
  unsigned v6 = 0;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const unsigned rank = addresses[i].is_v6() ? 2 * v6++ : 2 * v4++ + 1;
    preferences[i] = static_cast<std::uint16_t>(65535u - std::min(rank * 16u, 65535u));
  }
  return preferences;
}

bool is_loopback(const Address& address) {
  static const auto v4 = *parse_prefix("127.0.0.0/8");
  static const auto v6 = *parse_prefix("::1/128");
  return v4.contains(address) || v6.contains(address);
}

bool is_offerable(const Address& address) {
  static const std::array<Prefix, 7> excluded{*parse_prefix("0.0.0.0/8"), *parse_prefix("224.0.0.0/3"),
                                              *parse_prefix("::/96"),     *parse_prefix("::ffff:0:0/96"),
                                              *parse_prefix("fec0::/10"), *parse_prefix("fe80::/10"),
                                              *parse_prefix("ff00::/8")};
  if (is_loopback(address)) return false;
  return std::none_of(excluded.begin(), excluded.end(), [&](const Prefix& p) { return p.contains(address); });
}

}  // namespace crypelab::client::ice
