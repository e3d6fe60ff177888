// A capture that wire/ wrote is read by a decoder that nobody here wrote.
#include "harness/wire/digest.h"
#include "harness/wire/packet.h"
#include "harness/wire/pcapng.h"
#include "harness/wire/stun.h"
#include "harness/wire/turn_frame.h"
#include "tshark.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace crypelab::wire {
namespace {

using Buffer = std::vector<std::uint8_t>;

std::string read_back(const Buffer& capture, const std::string& arguments) {
  std::string path = (std::filesystem::temp_directory_path() / "crypelab-wire-XXXXXX").string();
  const int fd = ::mkstemp(path.data());
  EXPECT_GE(fd, 0);
  ::close(fd);
  std::ofstream(path, std::ios::binary)
      .write(static_cast<const char*>(static_cast<const void*>(capture.data())), std::ssize(capture));
  auto output = tshark(path, arguments);
  std::filesystem::remove(path);
  return output;
}

std::string fields(std::initializer_list<const char*> names) {
  std::string text;
  for (const char* name : names) text += std::string(" -e ") + name;
  return text;
}

void add(Buffer& capture, std::uint32_t interface, std::uint64_t time, const Buffer& ip, std::string comment = {}) {
  const auto frame = build_ethernet({2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, ip);
  write_block(capture, PcapngPacket{interface, time, frame, 0, PcapngDirection::outbound, std::move(comment)});
}

Buffer head() {
  Buffer capture;
  write_block(capture, PcapngSection{"", "", "crypelab", ""});
  write_block(capture, PcapngInterface{"office:eth0", "uplink", link_type_ethernet, 0});
  write_block(capture, PcapngInterface{"home:eth0", "", link_type_ethernet, 0});
  write_block(capture, PcapngSecrets{"CLIENT_RANDOM " + std::string(64, '0') + " " + std::string(96, '1') + "\n"});
  return capture;
}

const Endpoint a4 = *parse_endpoint("192.0.2.1:5000");
const Endpoint b4 = *parse_endpoint("198.51.100.2:3478");
const Endpoint a6 = *parse_endpoint("[2001:db8::1]:5000");
const Endpoint b6 = *parse_endpoint("[2001:db8::2]:443");

TEST(WireAgainstTshark, interfaces_times_comments_and_checksums_are_read_as_written) {
  Buffer capture = head();
  add(capture, 0, 1'700'000'000'123'456'789, build_udp(a4, b4, bytes_of("hello")), "the first");
  TcpHeader header;
  header.syn = true;
  add(capture, 1, 1'700'000'001'000'000'001, build_tcp(a6, b6, header, {}));
  add(capture, 0, 1'700'000'002'000'000'000, build_icmp(b4.address, a4.address, {3, 4, 1200}, build_udp(a4, b4, {})));
  EXPECT_EQ(read_back(capture,
                      "-o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -o tcp.check_checksum:TRUE -Y "
                      "'frame.packet_flags_direction == 2' " +
                          fields({"frame.interface_name", "frame.time_epoch", "frame.comment", "ip.checksum.status",
                                  "udp.checksum.status", "tcp.checksum.status", "tcp.flags.syn", "icmp.checksum.status",
                                  "icmp.mtu"})),
            "office:eth0|1700000000.123456789|the first|1|1||||\n"
            "home:eth0|1700000001.000000001||||1|1||\n"
            "office:eth0|1700000002.000000000||1,1|1|||1|1200\n");
}

TEST(WireAgainstTshark, stun_and_channel_data_mean_the_same_to_both) {
  Buffer capture = head();
  Buffer buffer(1000);
  StunWriter allocate(buffer, StunClass::error, StunMethod::allocate,
                      TransactionId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  allocate.add_error(438, "Stale Nonce")
      .add_text(StunAttribute::realm, "crype.test")
      .add_address(StunAttribute::xor_mapped_address, a6)
      .add_u32(StunAttribute::lifetime, 600)
      .add_fingerprint();
  add(capture, 0, 1, build_udp(a4, b4, allocate.bytes()));
  EXPECT_EQ(
      read_back(capture,
                fields({"stun.type.method", "stun.type.class", "stun.att.error", "stun.att.error.reason",
                        "stun.att.realm", "stun.att.ipv6-xord", "stun.att.lifetime", "stun.att.crc32.status"})),
      "0x0003|0x0011|38|Stale Nonce|crype.test|" +
          [&] {
            std::string hex;
            const auto value = encode_xor_address(a6, TransactionId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
            return hex + lower_hex(value.view().subspan(4));
          }() +
          "|600|1\n");
  Buffer relayed = head();
  const auto message = write_channel_data(buffer, 0x4001, bytes_of("abcdefg"), Padding::to_four);
  add(relayed, 0, 1, build_udp(a4, b4, message));
  EXPECT_EQ(read_back(relayed, fields({"stun.channel", "stun.length", "data.data"})), "0x4001|7|61626364656667\n");
}

}  // namespace
}  // namespace crypelab::wire
