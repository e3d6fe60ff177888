#include "harness/wire/packet.h"

#include <algorithm>

namespace crypelab::wire {
namespace {

constexpr int most_vlan_tags = 4;
constexpr int most_extension_headers = 16;

constexpr std::size_t ipv4_header_size = 20;
constexpr std::size_t ipv6_header_size = 40;
constexpr std::size_t udp_header_size = 8;
constexpr std::size_t tcp_header_size = 20;
constexpr std::size_t icmp_header_size = 8;

void decode_udp(Bytes segment, IpPacket& packet) {
  if (segment.size() < udp_header_size) return;
  const UdpHeader header{load<std::uint16_t>(segment, 0), load<std::uint16_t>(segment, 2),
                         load<std::uint16_t>(segment, 4)};
  packet.transport = header;
  packet.payload = segment.subspan(udp_header_size);
  // What UDP does not count is not its own; a length below the header's is one that offload has left open.
  if (header.length >= udp_header_size && !packet.is_fragment()) {
    packet.payload =
        packet.payload.first(std::min<std::size_t>(packet.payload.size(), header.length - udp_header_size));
  }
}

void decode_tcp(Bytes segment, IpPacket& packet) {
  if (segment.size() < tcp_header_size) return;
  const std::size_t size = std::size_t{segment[12]} / 16 * 4;
  if (size < tcp_header_size || segment.size() < size) return;
  TcpHeader header;
  header.source_port = load<std::uint16_t>(segment, 0);
  header.destination_port = load<std::uint16_t>(segment, 2);
  header.sequence = load<std::uint32_t>(segment, 4);
  header.acknowledgment = load<std::uint32_t>(segment, 8);
  header.fin = (segment[13] & 0x01) != 0;
  header.syn = (segment[13] & 0x02) != 0;
  header.rst = (segment[13] & 0x04) != 0;
  header.psh = (segment[13] & 0x08) != 0;
  header.ack = (segment[13] & 0x10) != 0;
  header.window = load<std::uint16_t>(segment, 14);
  header.options = segment.subspan(tcp_header_size, size - tcp_header_size);
  packet.transport = header;
  packet.payload = segment.subspan(size);
}

void decode_icmp(Bytes segment, IpPacket& packet) {
  if (segment.size() < icmp_header_size) return;
  packet.transport = IcmpHeader{segment[0], segment[1], load<std::uint32_t>(segment, 4)};
  packet.payload = segment.subspan(icmp_header_size);
}

void decode_transport(Bytes segment, IpPacket& packet) {
  packet.payload = segment;
  if (packet.fragment_offset != 0) return;
  const bool v4 = packet.source.is_v4();
  if (packet.protocol == ip_protocol::udp) decode_udp(segment, packet);
  if (packet.protocol == ip_protocol::tcp) decode_tcp(segment, packet);
  if (packet.protocol == (v4 ? ip_protocol::icmp : ip_protocol::icmpv6)) decode_icmp(segment, packet);
}

std::optional<IpPacket> decode_ipv4(Bytes bytes) {
  if (bytes.size() < ipv4_header_size) return std::nullopt;
  const std::size_t header_size = std::size_t{bytes[0]} % 16 * 4;
  if (header_size < ipv4_header_size || bytes.size() < header_size) return std::nullopt;
  IpPacket packet;
  const std::size_t total = load<std::uint16_t>(bytes, 2);
  packet.size = total == 0 ? bytes.size() : total;
  if (packet.size < header_size) return std::nullopt;
  packet.truncated = bytes.size() < packet.size;
  bytes = bytes.first(std::min(bytes.size(), packet.size));
  packet.identification = load<std::uint16_t>(bytes, 4);
  const auto fragment = load<std::uint16_t>(bytes, 6);
  packet.more_fragments = (fragment & 0x2000) != 0;
  packet.fragment_offset = (fragment & 0x1fffu) * 8;
  packet.hop_limit = bytes[8];
  packet.protocol = bytes[9];
  packet.source = Address::v4(load<std::uint32_t>(bytes, 12));
  packet.destination = Address::v4(load<std::uint32_t>(bytes, 16));
  decode_transport(bytes.subspan(header_size), packet);
  return packet;
}

Address v6_address(Bytes bytes, std::size_t offset) {
  std::array<std::uint8_t, 16> address{};
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), 16, address.begin());
  return Address::v6(address);
}

std::optional<IpPacket> decode_ipv6(Bytes bytes) {
  if (bytes.size() < ipv6_header_size) return std::nullopt;
  IpPacket packet;
  const std::size_t length = load<std::uint16_t>(bytes, 4);
  packet.size = length == 0 ? bytes.size() : ipv6_header_size + length;
  packet.truncated = bytes.size() < packet.size;
  bytes = bytes.first(std::min(bytes.size(), packet.size));
  packet.protocol = bytes[6];
  packet.hop_limit = bytes[7];
  packet.source = v6_address(bytes, 8);
  packet.destination = v6_address(bytes, 24);
  Bytes rest = bytes.subspan(ipv6_header_size);
  for (int i = 0; i < most_extension_headers; ++i) {
    // Hop-by-hop, routing, destination options; fragment; authentication (RFC 8200 §4, RFC 4302 §2).
    const std::uint8_t type = packet.protocol;
    const bool options = type == 0 || type == 43 || type == 60;
    const bool fragment = type == 44;
    const bool authentication = type == 51;
    if ((!options && !fragment && !authentication) || packet.fragment_offset != 0) break;
    if (rest.size() < 8) {
      packet.payload = rest;
      return packet;
    }
    const std::size_t count = rest[1];
    const std::size_t size = options ? (count + 1) * 8 : fragment ? 8 : (count + 2) * 4;
    if (fragment) {
      const auto field = load<std::uint16_t>(rest, 2);
      packet.more_fragments = (field & 1) != 0;
      packet.fragment_offset = field & 0xfff8u;
      packet.identification = load<std::uint32_t>(rest, 4);
    }
    if (rest.size() < size) {
      packet.payload = rest;
      return packet;
    }
    packet.protocol = rest[0];
    rest = rest.subspan(size);
  }
  decode_transport(rest, packet);
  return packet;
}

}  // namespace

Endpoint IpPacket::source_endpoint() const {
  if (udp() != nullptr) return {source, udp()->source_port};
  if (tcp() != nullptr) return {source, tcp()->source_port};
  return {source, 0};
}

Endpoint IpPacket::destination_endpoint() const {
  if (udp() != nullptr) return {destination, udp()->destination_port};
  if (tcp() != nullptr) return {destination, tcp()->destination_port};
  return {destination, 0};
}

std::optional<EthernetFrame> decode_ethernet(Bytes frame) {
  constexpr std::size_t header_size = 14;
  if (frame.size() < header_size) return std::nullopt;
  EthernetFrame result;
  std::copy_n(frame.begin(), 6, result.destination.begin());
  std::copy_n(frame.begin() + 6, 6, result.source.begin());
  result.type = load<std::uint16_t>(frame, 12);
  result.payload = frame.subspan(header_size);
  // IEEE 802.1Q and 802.1ad: tag control information, then the type of what follows.
  for (int i = 0; i < most_vlan_tags && (result.type == 0x8100 || result.type == 0x88A8); ++i) {
    if (result.payload.size() < 4) return std::nullopt;
    result.type = load<std::uint16_t>(result.payload, 2);
    result.payload = result.payload.subspan(4);
  }
  return result;
}

std::optional<IpPacket> decode_ip(Bytes packet) {
  if (packet.empty()) return std::nullopt;
  switch (packet[0] >> 4) {
    case 4:
      return decode_ipv4(packet);
    case 6:
      return decode_ipv6(packet);
    default:
      return std::nullopt;
  }
}

std::optional<IpPacket> decode_frame(Bytes frame) {
  const auto ethernet = decode_ethernet(frame);
  if (!ethernet || (ethernet->type != ethertype_ipv4 && ethernet->type != ethertype_ipv6)) return std::nullopt;
  const auto packet = decode_ip(ethernet->payload);
  // The frame's type and the packet's version must agree.
  if (!packet || packet->source.is_v4() != (ethernet->type == ethertype_ipv4)) return std::nullopt;
  return packet;
}

}  // namespace crypelab::wire
