#pragma once

#include "harness/base/address.h"
#include "harness/base/result.h"
#include "harness/wire/bytes.h"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <variant>
#include <vector>

// Headers of captured packets: Ethernet, IPv4 (RFC 791), IPv6 (RFC 8200), UDP (RFC 768), TCP (RFC 9293), ICMP (RFC 792,
// RFC 4443). Views into the captured bytes; nothing is allocated.

namespace crypelab::wire {

namespace ip_protocol {
inline constexpr std::uint8_t icmp = 1;
inline constexpr std::uint8_t tcp = 6;
inline constexpr std::uint8_t udp = 17;
inline constexpr std::uint8_t icmpv6 = 58;
}  // namespace ip_protocol

struct UdpHeader {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint16_t length = 0;  // with the header, as sent
};

struct TcpHeader {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;
  bool fin = false;
  bool syn = false;
  bool rst = false;
  bool psh = false;
  bool ack = false;
  std::uint16_t window = 0;  // unscaled
  Bytes options;
};

// Of either family. The payload of an error begins with the packet that caused it: decode_ip reads that.
struct IcmpHeader {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;  // MTU, identifier and sequence number, or unused
};

// Nothing of the transport: another protocol, a fragment other than the first, or cut off.
struct NoTransport {};

struct IpPacket {
  Address source;
  Address destination;
  std::uint8_t hop_limit = 0;
  std::uint8_t protocol = 0;  // behind IPv6's extension headers
  bool more_fragments = false;
  std::uint32_t fragment_offset = 0;  // bytes
  std::uint32_t identification = 0;
  std::size_t size = 0;  // with headers, as the IP header says
  std::variant<NoTransport, UdpHeader, TcpHeader, IcmpHeader> transport;
  Bytes payload;           // behind the transport's header, or behind IP's without one; padding of the frame left out
  bool truncated = false;  // less was captured than was on the wire

  bool is_fragment() const { return more_fragments || fragment_offset != 0; }
  const UdpHeader* udp() const { return std::get_if<UdpHeader>(&transport); }
  const TcpHeader* tcp() const { return std::get_if<TcpHeader>(&transport); }
  const IcmpHeader* icmp() const { return std::get_if<IcmpHeader>(&transport); }
  // Of UDP and TCP; port 0 otherwise.
  Endpoint source_endpoint() const;
  Endpoint destination_endpoint() const;
};

using MacAddress = std::array<std::uint8_t, 6>;

struct EthernetFrame {
  MacAddress destination{};
  MacAddress source{};
  std::uint16_t type = 0;  // behind VLAN tags, of which at most four are passed over
  Bytes payload;
};
inline constexpr std::uint16_t ethertype_ipv4 = 0x0800;
inline constexpr std::uint16_t ethertype_arp = 0x0806;
inline constexpr std::uint16_t ethertype_ipv6 = 0x86DD;

std::optional<EthernetFrame> decode_ethernet(Bytes frame);
// Nothing when the bytes do not begin with a whole IP header. A transport header that is cut off or impossible leaves
// NoTransport; lengths that disagree are taken as far as there are bytes (segmentation offload leaves IPv4's at 0).
std::optional<IpPacket> decode_ip(Bytes packet);
// The IP packet in an Ethernet frame, if it holds one.
std::optional<IpPacket> decode_frame(Bytes frame);

// The Internet checksum (RFC 1071) over the pieces one after another. Over data that hold their own checksum it is 0 if
// right.
std::uint16_t internet_checksum(std::initializer_list<Bytes> pieces);
// Of UDP, TCP or ICMPv6 with the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1); `segment` holds header and payload.
std::uint16_t transport_checksum(const Address& source, const Address& destination, std::uint8_t protocol,
                                 Bytes segment);

// Whole IP packets with right lengths and checksums, hop limit 64; both ends of one family.
std::vector<std::uint8_t> build_udp(const Endpoint& source, const Endpoint& destination, Bytes payload);
std::vector<std::uint8_t> build_tcp(const Endpoint& source, const Endpoint& destination, const TcpHeader& header,
                                    Bytes payload);
// ICMP or ICMPv6, as the addresses are.
std::vector<std::uint8_t> build_icmp(const Address& source, const Address& destination, const IcmpHeader& header,
                                     Bytes payload);
std::vector<std::uint8_t> build_ethernet(const MacAddress& destination, const MacAddress& source, Bytes ip_packet);

}  // namespace crypelab::wire
