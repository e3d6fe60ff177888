#include "harness/wire/pcapng.h"

#include "hex.h"

#include <gtest/gtest.h>

namespace crypelab::wire::pcapng_test {
namespace {

using Buffer = std::vector<std::uint8_t>;

// Blocks of a whole file, fed in pieces; packets with a copy of their data.
struct Contents {
  std::vector<PcapngSection> sections;
  std::vector<PcapngInterface> interfaces;
  std::vector<PcapngPacket> packets;
  std::vector<Buffer> data;
  std::vector<std::string> key_logs;
  PcapngNames names;
  std::optional<std::string> fault;
  bool whole = false;
};

Contents read(Bytes file, std::size_t piece = 1 << 20) {
  Contents contents;
  PcapngReader reader;
  while (!file.empty()) {
    const std::size_t size = std::min(piece, file.size());
    reader.feed(file.first(size));
    file = file.subspan(size);
    while (const auto block = reader.next()) {
      if (const auto* section = std::get_if<PcapngSection>(&*block)) contents.sections.push_back(*section);
      if (const auto* interface = std::get_if<PcapngInterface>(&*block)) contents.interfaces.push_back(*interface);
      if (const auto* secrets = std::get_if<PcapngSecrets>(&*block)) contents.key_logs.push_back(secrets->key_log);
      if (const auto* names = std::get_if<PcapngNames>(&*block)) contents.names = *names;
      if (const auto* packet = std::get_if<PcapngPacket>(&*block)) {
        contents.packets.push_back(*packet);
        contents.data.emplace_back(packet->data.begin(), packet->data.end());
      }
    }
  }
  contents.fault = reader.fault();
  contents.whole = reader.at_block_end();
  return contents;
}

Buffer sample() {
  Buffer file;
  write_block(file, PcapngSection{"", "", "crypelab", "lab 1"});
  write_block(file, PcapngInterface{"office:eth0", "the office's uplink", link_type_ethernet, 262'144});
  write_block(file, PcapngInterface{"home:eth0", "", link_type_raw_ip, 0});
  write_block(file, PcapngSecrets{"CLIENT_RANDOM 00 11\n"});
  write_filler(file, 32);
  write_block(file, PcapngNames{{{*parse_address("192.0.2.1"), "turn.crype.test"},
                                 {*parse_address("2001:db8::1"), "v6.test"}}});
  const Buffer data = from_hex("0102030405");
  write_block(file, PcapngPacket{0, 1'700'000'000'123'456'789, data, 1500, PcapngDirection::outbound, "first"});
  write_block(file, PcapngPacket{1, 1'700'000'000'123'456'790, data, 0, std::nullopt, ""});
  return file;
}

// Every number below stands in draft-ietf-opsawg-pcapng-02: blocks in §4.1 to §4.3, §4.5 and §4.7, options in §3.5.
TEST(Pcapng, the_blocks_are_those_of_the_specification) {
  Buffer section;
  write_block(section, PcapngSection{"", "", "abc", ""});
  EXPECT_EQ(section,
            from_hex("0a0d0d0a 28000000 4d3c2b1a 0100 0000 ffffffffffffffff 0400 0300 61626300 0000 0000 28000000"));
  Buffer interface;
  write_block(interface, PcapngInterface{"eth0", "", 1, 65535});
  EXPECT_EQ(interface,
            from_hex("01000000 28000000 0100 0000 ffff0000 0200 0400 65746830 0900 0100 09000000 0000 0000 28000000"));
  Buffer packet;
  const auto data = from_hex("aabbccddee");
  write_block(packet, PcapngPacket{1, 0x0102030405060708, data, 9, PcapngDirection::inbound, "hi"});
  EXPECT_EQ(packet, from_hex("06000000 3c000000 01000000 04030201 08070605 05000000 09000000 aabbccdd ee000000"
                             "0200 0400 01000000 0100 0200 68690000 0000 0000 3c000000"));
  Buffer secrets;
  write_block(secrets, PcapngSecrets{"abcde"});
  EXPECT_EQ(secrets, from_hex("0a000000 1c000000 4b534c54 05000000 61626364 65000000 1c000000"));
  Buffer filler;
  write_filler(filler, 32);
  EXPECT_EQ(filler, from_hex("04000000 20000000 0000 0000 0100 0800 20202020 20202020 0000 0000 20000000"));
}

TEST(Pcapng, what_is_written_reads_back_in_pieces_of_any_size) {
  const auto file = sample();
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{64}, file.size()}) {
    const auto contents = read(file, piece);
    ASSERT_FALSE(contents.fault) << *contents.fault;
    EXPECT_TRUE(contents.whole);
    ASSERT_EQ(contents.sections.size(), 1u);
    EXPECT_EQ(contents.sections[0].application, "crypelab");
    EXPECT_EQ(contents.sections[0].comment, "lab 1");
    ASSERT_EQ(contents.interfaces.size(), 2u);
    EXPECT_EQ(contents.interfaces[0].name, "office:eth0");
    EXPECT_EQ(contents.interfaces[0].description, "the office's uplink");
    EXPECT_EQ(contents.interfaces[0].snap_length, 262'144u);
    EXPECT_EQ(contents.interfaces[1].link_type, link_type_raw_ip);
    EXPECT_EQ(contents.key_logs, std::vector<std::string>{"CLIENT_RANDOM 00 11\n"});
    ASSERT_EQ(contents.names.names.size(), 2u);
    EXPECT_EQ(contents.names.names[1], std::pair(*parse_address("2001:db8::1"), std::string("v6.test")));
    ASSERT_EQ(contents.packets.size(), 2u);
    EXPECT_EQ(contents.packets[0].time, 1'700'000'000'123'456'789u);
    EXPECT_EQ(contents.packets[0].original_length, 1500u);
    EXPECT_EQ(contents.packets[0].direction, PcapngDirection::outbound);
    EXPECT_EQ(contents.packets[0].comment, "first");
    EXPECT_EQ(contents.data[0], from_hex("0102030405"));
    EXPECT_EQ(contents.packets[1].interface, 1u);
    EXPECT_EQ(contents.packets[1].original_length, 5u);
    EXPECT_FALSE(contents.packets[1].direction);
  }
}

TEST(Pcapng, big_endian_files_and_other_resolutions_of_time_are_read) {
  const std::string head = "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c";
  const std::string micro = "00000001 00000014 0001 0000 00000000 00000014";
  const std::string binary =
      "00000001 0000002c 0001 0000 00000000 0009 0001 8a000000 000e 0008 0000000000000064 0000 0000 0000002c";
  const auto packet = [](std::string id) {
    return "00000006 00000020 0000000" + id + " 00000000 00000c00 00000000 00000000 00000020";
  };
  const auto contents = read(from_hex(head + micro + binary + packet("0") + packet("1")));
  ASSERT_FALSE(contents.fault) << *contents.fault;
  ASSERT_EQ(contents.packets.size(), 2u);
  EXPECT_EQ(contents.packets[0].time, 3'072'000u);        // 0xc00 microseconds
  EXPECT_EQ(contents.packets[1].time, 103'000'000'000u);  // 0xc00 / 1024 s, 100 s later
}

TEST(Pcapng, unknown_blocks_are_skipped_and_a_new_section_begins_anew) {
  Buffer file = sample();
  const auto unknown = from_hex("ad0b0000 14000000 0102030405060708 14000000");
  file.insert(file.end(), unknown.begin(), unknown.end());
  const auto second = sample();
  file.insert(file.end(), second.begin(), second.end());
  const auto contents = read(file);
  EXPECT_FALSE(contents.fault);
  EXPECT_EQ(contents.sections.size(), 2u);
  EXPECT_EQ(contents.packets.size(), 4u);
}

TEST(Pcapng, a_file_that_is_cut_off_gives_what_came_before_and_says_so) {
  const auto file = sample();
  const auto contents = read(Bytes(file).first(file.size() - 5));
  EXPECT_FALSE(contents.fault);
  EXPECT_FALSE(contents.whole);
  EXPECT_EQ(contents.packets.size(), 1u);
}

TEST(Pcapng, damage_is_a_fault_with_its_reason) {
  const std::string head = "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000";
  const std::string interface = "01000000 14000000 0100 0000 00000000 14000000";
  const std::pair<std::string, std::string> cases[] = {
      {"d4c3b2a1 02000400 00000000 00000000", "not a pcapng file"},
      {"0a0d0d0a 1c000000 4d3c2b1b 0100 0000", "a pcapng section without byte-order magic"},
      {"0a0d0d0a 1c000000 4d3c2b1a 0200 0000 ffffffffffffffff 1c000000", "a pcapng file of version 2"},
      {head + "06000000 0d000000 00000000", "a pcapng block of impossible length"},
      {head + "06000000 00000010 00000000", "a pcapng block of more than 16777216 bytes"},
      {head + "06000000 10000000 00000000 14000000", "the two lengths of a pcapng block differ"},
      {head + "06000000 20000000 00000000 00000000 00000000 00000000 00000000 20000000",
       "a pcapng packet of an interface that was not described"},
      {head + interface + "06000000 20000000 00000000 00000000 00000000 01000000 00000000 20000000",
       "a pcapng packet reaches beyond its block"},
      {head + interface + "06000000 24000000 00000000 00000000 00000000 00000000 00000000 01000800 24000000",
       "a pcapng option reaches beyond its block"},
      {head + "0a000000 14000000 4b534c54 09000000 14000000", "pcapng secrets reach beyond their block"},
      {head + "04000000 10000000 01000900 10000000", "a pcapng name record reaches beyond its block"},
      {head + "01000000 1c000000 0100 0000 00000000 0900 0100 14000000 1c000000",
       "a pcapng interface with an impossible resolution of time"},
  };
  for (const auto& [hex, fault] : cases) EXPECT_EQ(read(from_hex(hex)).fault, fault) << hex;
}

}  // namespace
}  // namespace crypelab::wire::pcapng_test
