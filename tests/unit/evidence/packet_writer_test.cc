#include "harness/evidence/packet_writer.h"

#include "harness/base/error.h"
#include "harness/evidence/attempt_reader.h"
#include "harness/evidence/packet_file.h"
#include "harness/wire/packet.h"
#include "temporary_folder.h"

#include <gtest/gtest.h>

namespace crypelab::evidence::packet_writer_test {
namespace {

using namespace std::chrono_literals;

const Redaction redaction(std::vector<Secret>{{"office.proxy/alice", "wonderland-of-alice"}, {"t", "secret-token"}});
const std::vector<Interface> interfaces{{"office.border", Interface::Kind::border, "office.edge", "office"},
                                        {"alice.eth0", Interface::Kind::lan, "alice", "office"}};
const Endpoint alice{*parse_address("10.0.0.1"), 5000};
const Endpoint proxy{*parse_address("10.0.0.2"), 3128};

std::vector<std::uint8_t> segment(std::uint32_t sequence, const std::string& text, Endpoint from = alice) {
  wire::TcpHeader header;
  header.source_port = from.port;
  header.destination_port = proxy.port;
  header.sequence = sequence;
  header.ack = true;
  return wire::build_ethernet({}, {}, wire::build_tcp(from, proxy, header, wire::bytes_of(text)));
}

class PacketWriting : public testing::Test {
 protected:
  explicit PacketWriting(const PacketWriter::Limits& limits = {})
      : writer(folder.path() / kCaptureFile, interfaces, std::chrono::nanoseconds(1'800'000'000s), redaction, limits) {}

  void take(std::chrono::nanoseconds at, const std::vector<std::uint8_t>& bytes, std::uint32_t interface = 1) {
    writer.take({at, interface, true, static_cast<std::uint32_t>(bytes.size()), bytes});
  }
  Attempt finished(const std::string& key_log = "") {
    writer.finish(key_log, {{alice.address, "alice"}});
    Attempt attempt;
    attempt.interfaces = interfaces;
    read_packets(folder.path() / kCaptureFile, attempt);
    return attempt;
  }
  std::string whole() const { return contents(folder.path() / kCaptureFile); }
  bool contains(const std::string& text) const { return whole().find(text) != std::string::npos; }

  TemporaryFolder folder;
  PacketWriter writer;
};

TEST_F(PacketWriting, packets_of_all_interfaces_are_merged_by_time) {
  take(3ms, segment(1, "third"));
  take(1ms, segment(1, "first"), 0);
  take(2ms, segment(6, "second"), 0);
  const auto attempt = finished();
  ASSERT_EQ(attempt.packets.size(), 3U);
  EXPECT_EQ(attempt.packets[0].at, 1ms);
  EXPECT_EQ(attempt.packets[0].interface, 0U);
  EXPECT_EQ(attempt.packets[2].at, 3ms);
  EXPECT_EQ(wire::text_of(wire::decode_frame(attempt.packets[2].bytes)->payload), "third");
  EXPECT_TRUE(attempt.packets[2].outgoing);
}

TEST_F(PacketWriting, keys_stand_before_the_packets_that_they_open_and_nothing_else_is_left) {
  take(1ms, segment(1, "ciphertext"));
  finished("CLIENT_RANDOM 00 11\n");
  EXPECT_LT(whole().find("CLIENT_RANDOM 00 11\n"), whole().find("ciphertext"));
  const std::filesystem::directory_iterator files(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(PacketWriting, so_do_more_keys_than_room_was_kept_for) {
  take(1ms, segment(1, "ciphertext"));
  const auto attempt = finished(std::string(50'000, 'k') + "\n");
  EXPECT_EQ(attempt.packets.size(), 1U);
  EXPECT_LT(whole().find("kkk\n"), whole().find("ciphertext"));
  const std::filesystem::directory_iterator files(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(PacketWriting, what_is_old_enough_is_written_before_the_end) {
  for (int i = 0; i < 100; ++i) take(std::chrono::milliseconds(i), segment(1, std::string(10'000, 'x')), 0);
  const auto waiting = folder.path() / (std::string(kCaptureFile) + ".waiting");
  EXPECT_EQ(std::filesystem::file_size(waiting), 0U);
  writer.write_up_to(89ms);
  EXPECT_GT(std::filesystem::file_size(waiting), 700'000U);
  EXPECT_EQ(finished().packets.size(), 100U);
}

TEST_F(PacketWriting, a_secret_in_clear_text_is_masked_at_equal_length_and_noted) {
  const auto clear =
      segment(1, "Proxy-Authorization: Basic YWxpY2U6d29uZGVybGFuZC1vZi1hbGljZQ==\r\nX: wonderland-of-alice!\r\n");
  take(1ms, clear);
  take(2ms, clear);
  const auto attempt = finished();
  EXPECT_FALSE(contains("wonderland"));
  EXPECT_FALSE(contains("29uZGVybGFuZ"));
  ASSERT_EQ(attempt.packets.size(), 2U);
  EXPECT_EQ(attempt.packets[0].bytes.size(), clear.size());
  EXPECT_TRUE(wire::text_of(attempt.packets[0].bytes).ends_with("X: *******************!\r\n"));
  ASSERT_EQ(writer.sightings().size(), 1U);
  EXPECT_EQ(writer.sightings()[0].secret, "office.proxy/alice");
  EXPECT_EQ(writer.sightings()[0].from, "10.0.0.1:5000");
  EXPECT_EQ(writer.sightings()[0].to, "10.0.0.2:3128");
  EXPECT_EQ(writer.sightings()[0].at, 1ms);
}

TEST_F(PacketWriting, the_marker_names_the_secret_where_it_fits) {
  take(1ms, segment(1, "Authorization: Bearer secret-token."));
  finished();
  EXPECT_FALSE(contains("secret-token"));
  EXPECT_TRUE(contains("[secret:t]**."));
}

TEST_F(PacketWriting, a_secret_spread_over_segments_is_masked_in_all_of_them) {
  const std::string text = "Authorization: Bearer secret-token, and on";
  for (std::uint32_t i = 0; i < text.size(); ++i)
    take(std::chrono::milliseconds(i), segment(100 + i, text.substr(i, 1)));
  take(200ms, segment(1, "secret-", {alice.address, 5001}));
  take(201ms, segment(8, "token", {alice.address, 5001}));
  // Of another stream, or behind a gap: no secret.
  take(202ms, segment(1, "secret-", {alice.address, 5002}));
  take(203ms, segment(9, "token", {alice.address, 5002}));
  const auto attempt = finished();
  std::string stream;
  for (const auto& packet : attempt.packets) stream += wire::text_of(wire::decode_frame(packet.bytes)->payload);
  EXPECT_EQ(stream, "Authorization: Bearer [secret:t]**, and on[secret:t]**secret-token");
  EXPECT_EQ(writer.sightings().size(), 2U);
}

TEST_F(PacketWriting, of_a_spread_secret_what_has_left_already_stays_and_the_rest_is_masked) {
  take(1ms, segment(1, "secret-"));
  writer.write_up_to(1ms);
  take(2ms, segment(8, "token"));
  finished();
  EXPECT_TRUE(contains("secret-"));
  EXPECT_FALSE(contains("token"));
}

class LittleRoom : public PacketWriting {
 protected:
  LittleRoom() : PacketWriting({.held_bytes = 2'000, .whole_bytes = 10'000, .file_bytes = 20'000}) {}
};

TEST_F(LittleRoom, memory_and_file_are_bounded_and_what_is_lost_is_counted) {
  for (int i = 0; i < 1000; ++i) take(std::chrono::milliseconds(i), segment(1, std::string(900, 'x')));
  const auto attempt = finished();
  EXPECT_EQ(attempt.packets.front().bytes.size(), segment(1, std::string(900, 'x')).size());
  EXPECT_EQ(attempt.packets.back().bytes.size(), PacketWriter::kBeginning);
  EXPECT_EQ(attempt.packets.back().length, attempt.packets.front().length);
  EXPECT_LT(std::filesystem::file_size(folder.path() / kCaptureFile), 22'000U + 16'384U);
  EXPECT_EQ(attempt.packets.size() + writer.lost(), 1000U);
  EXPECT_GT(writer.lost(), 0U);
}

TEST(PacketFiles, are_never_overwritten) {
  const TemporaryFolder folder;
  put(folder.path() / kCaptureFile, "evidence of before");
  PacketWriter writer(folder.path() / kCaptureFile, interfaces, 0s, redaction);
  EXPECT_THROW(writer.finish("", {}), Failure);
  EXPECT_EQ(contents(folder.path() / kCaptureFile), "evidence of before");
}

}  // namespace
}  // namespace crypelab::evidence::packet_writer_test
