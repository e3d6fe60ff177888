#pragma once

#include "harness/base/address.h"
#include "harness/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crypelab::wire {

// An ICE candidate as SDP and trickling write it (RFC 8839 §5.1, RFC 6544 §4.5).
struct IceCandidate {
  enum class Transport { udp, tcp };
  enum class Type { host, srflx, prflx, relay };
  enum class TcpType { active, passive, so };

  std::string foundation;
  unsigned component = 1;
  Transport transport = Transport::udp;
  std::uint32_t priority = 0;
  std::string host;  // an address, or a name such as browsers make up for mDNS
  std::uint16_t port = 0;
  Type type = Type::host;
  std::optional<std::string> related_host;
  std::optional<std::uint16_t> related_port;
  std::optional<TcpType> tcp_type;
  std::vector<std::pair<std::string, std::string>> extensions;  // generation, ufrag, network-id ...

  // Nothing when `host` is a name.
  std::optional<Endpoint> endpoint() const;
  bool operator==(const IceCandidate&) const = default;
};

// "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host", with or without "a=" in front. An unknown transport or type
// is a complaint, which means that the candidate is to be ignored (RFC 8839 §5.1).
Result<IceCandidate> parse_candidate(std::string_view text);
std::string to_text(const IceCandidate& candidate);  // beginning with "candidate:"

std::string_view name_of(IceCandidate::Transport transport);
std::string_view name_of(IceCandidate::Type type);
std::string_view name_of(IceCandidate::TcpType type);

// One character of the ICE alphabet (RFC 8839 §5.1): letters, digits, plus and slash.
bool is_ice_text(std::string_view text, std::size_t least, std::size_t most);

}  // namespace crypelab::wire
