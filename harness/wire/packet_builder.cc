#include "harness/wire/packet.h"

#include <algorithm>

namespace crypelab::wire {
namespace {

using Buffer = std::vector<std::uint8_t>;

Bytes address_bytes(const Address& address) { return Bytes(address.bytes()).first(address.is_v4() ? 4 : 16); }

Buffer build_ip(const Address& source, const Address& destination, std::uint8_t protocol, const Buffer& segment) {
  const bool v4 = source.is_v4();
  Buffer packet(v4 ? 20 : 40);
  if (v4) {
    packet[0] = 0x45;
    store(packet, 2, static_cast<std::uint16_t>(packet.size() + segment.size()));
    packet[8] = 64;
    packet[9] = protocol;
  } else {
    packet[0] = 0x60;
    store(packet, 4, static_cast<std::uint16_t>(segment.size()));
    packet[6] = protocol;
    packet[7] = 64;
  }
  const auto put = [&](const Address& address, std::size_t offset) {
    const Bytes bytes = address_bytes(address);
    std::copy(bytes.begin(), bytes.end(), packet.begin() + static_cast<std::ptrdiff_t>(offset));
  };
  put(source, v4 ? 12 : 8);
  put(destination, v4 ? 16 : 24);
  if (v4) store(packet, 10, internet_checksum({packet}));
  packet.insert(packet.end(), segment.begin(), segment.end());
  return packet;
}

}  // namespace

std::uint16_t internet_checksum(std::initializer_list<Bytes> pieces) {
  std::uint64_t sum = 0;
  bool odd = false;
  for (const Bytes piece : pieces) {
    for (const std::uint8_t byte : piece) {
      sum += odd ? byte : std::uint64_t{byte} << 8;
      odd = !odd;
    }
  }
  while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xFFFF);
}

std::uint16_t transport_checksum(const Address& source, const Address& destination, std::uint8_t protocol,
                                 Bytes segment) {
  std::array<std::uint8_t, 8> rest{};
  store(rest, 0, static_cast<std::uint32_t>(segment.size()));
  rest[7] = protocol;
  return internet_checksum({address_bytes(source), address_bytes(destination), rest, segment});
}

std::vector<std::uint8_t> build_udp(const Endpoint& source, const Endpoint& destination, Bytes payload) {
  Buffer segment(8);
  store(segment, 0, source.port);
  store(segment, 2, destination.port);
  store(segment, 4, static_cast<std::uint16_t>(8 + payload.size()));
  segment.insert(segment.end(), payload.begin(), payload.end());
  const auto checksum = transport_checksum(source.address, destination.address, ip_protocol::udp, segment);
  // 0 would mean "none" (RFC 768).
  store(segment, 6, checksum == 0 ? std::uint16_t{0xFFFF} : checksum);
  return build_ip(source.address, destination.address, ip_protocol::udp, segment);
}

std::vector<std::uint8_t> build_tcp(const Endpoint& source, const Endpoint& destination, const TcpHeader& header,
                                    Bytes payload) {
  Buffer segment(20);
  store(segment, 0, source.port);
  store(segment, 2, destination.port);
  store(segment, 4, header.sequence);
  store(segment, 8, header.acknowledgment);
  const Bytes options = header.options.first(std::min<std::size_t>(header.options.size(), 40));
  segment[12] = static_cast<std::uint8_t>((20 + padded4(options.size())) / 4 << 4);
  segment[13] = static_cast<std::uint8_t>((header.fin ? 0x01 : 0) | (header.syn ? 0x02 : 0) | (header.rst ? 0x04 : 0) |
                                          (header.psh ? 0x08 : 0) | (header.ack ? 0x10 : 0));
  store(segment, 14, header.window);
  segment.insert(segment.end(), options.begin(), options.end());
  segment.resize(20 + padded4(options.size()));
  segment.insert(segment.end(), payload.begin(), payload.end());
  store(segment, 16, transport_checksum(source.address, destination.address, ip_protocol::tcp, segment));
  return build_ip(source.address, destination.address, ip_protocol::tcp, segment);
}

std::vector<std::uint8_t> build_icmp(const Address& source, const Address& destination, const IcmpHeader& header,
                                     Bytes payload) {
  Buffer segment(8);
  segment[0] = header.type;
  segment[1] = header.code;
  store(segment, 4, header.rest);
  segment.insert(segment.end(), payload.begin(), payload.end());
  const auto protocol = source.is_v4() ? ip_protocol::icmp : ip_protocol::icmpv6;
  // Only ICMPv6 has a pseudo-header.
  store(segment, 2,
        source.is_v4() ? internet_checksum({segment}) : transport_checksum(source, destination, protocol, segment));
  return build_ip(source, destination, protocol, segment);
}

std::vector<std::uint8_t> build_ethernet(const MacAddress& destination, const MacAddress& source, Bytes ip_packet) {
  Buffer frame(14);
  std::copy(destination.begin(), destination.end(), frame.begin());
  std::copy(source.begin(), source.end(), frame.begin() + 6);
  const bool v6 = !ip_packet.empty() && ip_packet[0] >> 4 == 6;
  store(frame, 12, v6 ? ethertype_ipv6 : ethertype_ipv4);
  frame.insert(frame.end(), ip_packet.begin(), ip_packet.end());
  return frame;
}

}  // namespace crypelab::wire
