#include "harness/wire/packet.h"

#include "hex.h"

#include <gtest/gtest.h>

namespace crypelab::wire::packet_test {
namespace {

using Buffer = std::vector<std::uint8_t>;

const Endpoint v4_a = *parse_endpoint("192.0.2.1:5000");
const Endpoint v4_b = *parse_endpoint("198.51.100.2:3478");
const Endpoint v6_a = *parse_endpoint("[2001:db8::1]:5000");
const Endpoint v6_b = *parse_endpoint("[2001:db8::2]:443");
constexpr MacAddress mac_a{2, 0, 0, 0, 0, 1};
constexpr MacAddress mac_b{2, 0, 0, 0, 0, 2};

Buffer copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

TEST(Packet, udp_of_both_families_reads_back_with_right_checksums) {
  const auto payload = from_hex("0102030405");
  for (const auto& [from, to] : {std::pair(v4_a, v4_b), std::pair(v6_a, v6_b)}) {
    const auto ip = build_udp(from, to, payload);
    const auto packet = decode_frame(build_ethernet(mac_b, mac_a, ip));
    ASSERT_TRUE(packet);
    const auto again = decode_ip(ip);
    ASSERT_TRUE(again && again->udp());
    EXPECT_EQ(again->source_endpoint(), from);
    EXPECT_EQ(again->destination_endpoint(), to);
    EXPECT_EQ(copy(again->payload), payload);
    EXPECT_EQ(again->size, ip.size());
    EXPECT_EQ(again->hop_limit, 64);
    EXPECT_FALSE(again->truncated);
    EXPECT_FALSE(again->is_fragment());
    const std::size_t header = from.address.is_v4() ? 20 : 40;
    EXPECT_EQ(transport_checksum(from.address, to.address, 17, Bytes(ip).subspan(header)), 0);
    EXPECT_TRUE(from.address.is_v6() || internet_checksum({Bytes(ip).first(20)}) == 0);
  }
}

TEST(Packet, tcp_flags_and_options_read_back) {
  TcpHeader header;
  header.sequence = 0x01020304;
  header.acknowledgment = 0xfffefdfc;
  header.syn = header.ack = true;
  header.window = 64'240;
  const auto options = from_hex("020405b4");
  header.options = options;
  const auto ip = build_tcp(v6_a, v6_b, header, {});
  const auto packet = decode_ip(ip);
  ASSERT_TRUE(packet && packet->tcp());
  EXPECT_EQ(packet->tcp()->sequence, 0x01020304u);
  EXPECT_EQ(packet->tcp()->acknowledgment, 0xfffefdfcu);
  EXPECT_TRUE(packet->tcp()->syn && packet->tcp()->ack);
  EXPECT_FALSE(packet->tcp()->fin || packet->tcp()->rst || packet->tcp()->psh);
  EXPECT_EQ(packet->tcp()->window, 64'240);
  EXPECT_EQ(copy(packet->tcp()->options), options);
  EXPECT_EQ(packet->destination_endpoint(), v6_b);
  EXPECT_TRUE(packet->payload.empty());
  EXPECT_EQ(transport_checksum(v6_a.address, v6_b.address, 6, Bytes(ip).subspan(40)), 0);
}

TEST(Packet, an_icmp_error_holds_the_packet_that_caused_it) {
  const auto cause = build_udp(v4_a, v4_b, from_hex("00112233445566778899"));
  // Only the first 8 bytes behind the IP header come back (RFC 792).
  const auto ip = build_icmp(v4_b.address, v4_a.address, {3, 4, 1200}, Bytes(cause).first(28));
  const auto packet = decode_ip(ip);
  ASSERT_TRUE(packet && packet->icmp());
  EXPECT_EQ(packet->icmp()->type, 3);
  EXPECT_EQ(packet->icmp()->code, 4);
  EXPECT_EQ(packet->icmp()->rest, 1200u);
  EXPECT_EQ(internet_checksum({Bytes(ip).subspan(20)}), 0);
  const auto inner = decode_ip(packet->payload);
  ASSERT_TRUE(inner && inner->udp());
  EXPECT_EQ(inner->destination_endpoint(), v4_b);
  EXPECT_TRUE(inner->truncated);

  const auto v6 = decode_ip(build_icmp(v6_b.address, v6_a.address, {2, 0, 1280}, {}));
  ASSERT_TRUE(v6 && v6->icmp());
  EXPECT_EQ(v6->protocol, ip_protocol::icmpv6);
  EXPECT_EQ(v6->icmp()->rest, 1280u);
}

TEST(Packet, the_checksum_is_that_of_rfc_1071) {
  EXPECT_EQ(internet_checksum({from_hex("0001f203f4f5f6f7")}), static_cast<std::uint16_t>(~0xddf2 & 0xffff));
  const auto odd = from_hex("0001f2");
  const auto rest = from_hex("03f4f5f6f7");
  EXPECT_EQ(internet_checksum({odd, rest}), internet_checksum({from_hex("0001f203f4f5f6f7")}));
  // A whole IPv4 header, its own checksum (b861) in it.
  EXPECT_EQ(internet_checksum({from_hex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7")}), 0);
}

TEST(Packet, extension_headers_are_passed_over_and_fragments_known) {
  const auto udp = build_udp(v6_a, v6_b, from_hex("aabb"));
  const auto with = [&](std::string_view extensions_hex, std::uint8_t first) {
    const auto extensions = from_hex(extensions_hex);
    Buffer packet(udp.begin(), udp.begin() + 40);
    packet.insert(packet.end(), extensions.begin(), extensions.end());
    packet.insert(packet.end(), udp.begin() + 40, udp.end());
    store(std::span<std::uint8_t>(packet), 4, static_cast<std::uint16_t>(packet.size() - 40));
    packet[6] = first;
    return packet;
  };
  // Hop-by-hop, destination options of 16 bytes, routing.
  const auto three = decode_ip(with("3c00010400000000 2b010104000000000000000000000000 1100000000000000", 0));
  ASSERT_TRUE(three && three->udp());
  EXPECT_EQ(three->destination_endpoint(), v6_b);

  const auto first = decode_ip(with("1100000100000007", 44));
  ASSERT_TRUE(first && first->udp());
  EXPECT_TRUE(first->more_fragments);
  EXPECT_EQ(first->identification, 7u);

  const auto later_bytes = with("1100001000000007", 44);
  const auto later = decode_ip(later_bytes);
  ASSERT_TRUE(later);
  EXPECT_FALSE(later->udp());
  EXPECT_EQ(later->fragment_offset, 16u);
  EXPECT_EQ(later->protocol, 17);
  EXPECT_EQ(later->payload.size(), 10u);

  const auto cut = decode_ip(with("110f000000000000", 60));
  ASSERT_TRUE(cut);
  EXPECT_FALSE(cut->udp());

  auto v4 = build_udp(v4_a, v4_b, from_hex("aabb"));
  v4[6] = 0x20;
  v4[7] = 0x02;
  const auto fragment = decode_ip(v4);
  ASSERT_TRUE(fragment);
  EXPECT_TRUE(fragment->more_fragments);
  EXPECT_EQ(fragment->fragment_offset, 16u);
  EXPECT_FALSE(fragment->udp());
}

TEST(Packet, vlan_tags_are_passed_over_and_other_types_are_not_ip) {
  const auto ip = build_udp(v4_a, v4_b, {});
  auto frame = build_ethernet(mac_b, mac_a, ip);
  const auto tags = from_hex("88a80064 81000065");
  frame.insert(frame.begin() + 12, tags.begin(), tags.end());
  const auto ethernet = decode_ethernet(frame);
  ASSERT_TRUE(ethernet);
  EXPECT_EQ(ethernet->type, ethertype_ipv4);
  EXPECT_EQ(ethernet->source, mac_a);
  EXPECT_EQ(ethernet->destination, mac_b);
  EXPECT_TRUE(decode_frame(frame));
  frame[20] = 0x08;
  frame[21] = 0x06;
  EXPECT_FALSE(decode_frame(frame));
  frame[20] = 0x86;
  frame[21] = 0xdd;
  EXPECT_FALSE(decode_frame(frame));
}

TEST(Packet, padding_of_the_frame_is_left_out_and_what_is_missing_is_known) {
  auto frame = build_ethernet(mac_b, mac_a, build_udp(v4_a, v4_b, from_hex("aa")));
  frame.resize(60, 0x77);
  const auto padded = decode_frame(frame);
  ASSERT_TRUE(padded);
  EXPECT_EQ(copy(padded->payload), from_hex("aa"));
  EXPECT_FALSE(padded->truncated);

  const auto whole = build_udp(v4_a, v4_b, Buffer(1000, 1));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Buffer part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto packet = decode_ip(part);
    EXPECT_EQ(packet.has_value(), size >= 20) << size;
    if (!packet) continue;
    EXPECT_TRUE(packet->truncated);
    EXPECT_EQ(packet->udp() != nullptr, size >= 28) << size;
    EXPECT_EQ(packet->size, whole.size());
  }
}

}  // namespace
}  // namespace crypelab::wire::packet_test
