// What wire/ reads in the captures of calls that took place, packet by packet beside a decoder that nobody here wrote:
// the judge and the reference client share wire/, so a misreading of both would not be noticed otherwise.
#include "harness/wire/packet.h"
#include "harness/wire/pcapng.h"
#include "harness/wire/stun.h"
#include "harness/wire/turn_frame.h"
#include "tshark.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace crypelab::wire {
namespace {

namespace fs = std::filesystem;

// A line for each packet: addresses, ports and sizes; of STUN type, transaction, attributes, addresses, error,
// lifetime.
constexpr const char* kFields =
    "-e frame.interface_id -e ip.src -e ip.dst -e ipv6.src -e ipv6.dst -e udp.srcport -e "
    "udp.dstport -e udp.length -e tcp.srcport -e tcp.dstport -e tcp.seq_raw -e tcp.ack_raw -e tcp.flags -e tcp.len -e "
    "stun.type -e stun.id -e stun.att.type -e stun.att.ipv4 -e stun.att.port -e stun.att.error.class -e stun.att.error "
    "-e "
    "stun.att.lifetime -e stun.channel";
constexpr std::size_t kStun = 14;  // the first field of STUN's
constexpr std::size_t kAll = 23;

std::vector<std::string> split(const std::string& line, char by) {
  std::vector<std::string> parts(1);
  for (const char c : line) {
    if (c == by) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// What tshark reads; of fields that occur more than once, as in the packet that an ICMP error quotes, the first one,
// but of STUN's all.
std::vector<std::vector<std::string>> read_by_tshark(const fs::path& file) {
  std::vector<std::vector<std::string>> packets;
  std::istringstream lines(tshark(file, kFields));
  for (std::string line; std::getline(lines, line);) {
    auto fields = split(line, '|');
    EXPECT_EQ(fields.size(), kAll) << line;
    for (std::size_t i = 0; i < std::min(kStun, fields.size()); ++i) fields[i] = split(fields[i], ',').front();
    packets.push_back(std::move(fields));
  }
  return packets;
}

void add(std::string& list, const std::string& item) { list += (list.empty() ? "" : ",") + item; }

void read_stun(Bytes datagram, std::vector<std::string>& fields) {
  const auto parsed = StunMessage::parse(datagram);
  if (!parsed) return;
  const auto& message = *parsed;
  fields[kStun] = fmt::format("0x{:04x}", load<std::uint16_t>(datagram, 0));
  fields[kStun + 1] = lower_hex(message.transaction());
  for (const auto attribute : message.all_attributes()) {
    add(fields[kStun + 2], fmt::format("0x{:04x}", static_cast<unsigned>(attribute.type)));
    using enum StunAttribute;
    for (const auto address :
         {mapped_address, xor_mapped_address, xor_relayed_address, xor_peer_address, response_origin, other_address}) {
      if (attribute.type != address) continue;
      const auto value = message.address(address);
      if (!value || !value->address.is_v4()) continue;
      add(fields[kStun + 3], to_string(value->address));
      add(fields[kStun + 4], std::to_string(value->port));
    }
  }
  if (const auto error = message.error()) {
    fields[kStun + 5] = std::to_string(error->code / 100);
    fields[kStun + 6] = std::to_string(error->code % 100);
  }
  if (const auto lifetime = message.number32(StunAttribute::lifetime)) fields[kStun + 7] = std::to_string(*lifetime);
}

std::vector<std::string> read_here(const PcapngPacket& packet) {
  std::vector<std::string> fields(kAll);
  fields[0] = std::to_string(packet.interface);
  const auto ip = decode_frame(packet.data);
  if (!ip) return fields;
  const std::size_t first = ip->source.is_v4() ? 1 : 3;
  fields[first] = to_string(ip->source);
  fields[first + 1] = to_string(ip->destination);
  if (const auto* udp = ip->udp()) {
    fields[5] = std::to_string(udp->source_port);
    fields[6] = std::to_string(udp->destination_port);
    fields[7] = std::to_string(udp->length);
    if (looks_like_stun(ip->payload)) read_stun(ip->payload, fields);
    if (const auto channel = parse_channel_data(ip->payload); channel && looks_like_channel_data(ip->payload)) {
      fields[kAll - 1] = fmt::format("0x{:04x}", channel->channel);
    }
  } else if (const auto* tcp = ip->tcp()) {
    fields[8] = std::to_string(tcp->source_port);
    fields[9] = std::to_string(tcp->destination_port);
    fields[10] = std::to_string(tcp->sequence);
    fields[11] = std::to_string(tcp->acknowledgment);
    const unsigned flags = (tcp->fin ? 1U : 0U) | (tcp->syn ? 2U : 0U) | (tcp->rst ? 4U : 0U) | (tcp->psh ? 8U : 0U) |
                           (tcp->ack ? 16U : 0U);
    fields[12] = fmt::format("0x{:04x}", flags);
    fields[13] = std::to_string(ip->payload.size());
  }
  return fields;
}

// Where one of the two cannot know: ports of ICMP's quotation, flags that wire/ does not keep, STUN over TCP, and what
// is inside of DATA, which tshark lists with the attributes around it.
void leave_out_what_cannot_be_compared(std::vector<std::string>& theirs, std::vector<std::string>& ours) {
  if (ours[5].empty() && ours[8].empty()) {
    std::fill(theirs.begin() + 5, theirs.end(), "");
    return;
  }
  if (!ours[8].empty()) std::fill(theirs.begin() + kStun, theirs.end(), "");
  if (!theirs[12].empty()) theirs[12] = fmt::format("0x{:04x}", std::stoul(theirs[12], nullptr, 16) & 0x1F);
  const bool carries = (ours[kStun + 2] + ",").find("0x0013,") != std::string::npos;
  const bool channel = !ours[kAll - 1].empty() || !theirs[kAll - 1].empty();
  for (std::size_t i = kStun; (carries || channel) && i < kAll - 1; ++i) {
    if (i < kStun + 2 && carries) {
      theirs[i] = split(theirs[i], ',').front();
    } else {
      theirs[i].clear();
      ours[i].clear();
    }
  }
  // Only behind the port of TURN does tshark look for channels.
  if (ours[5] != "3478" && ours[6] != "3478") ours[kAll - 1].clear();
}

TEST(CapturesAgainstTshark, every_packet_of_every_saved_capture_means_the_same_to_both) {
  std::size_t stun = 0;
  std::size_t tcp = 0;
  std::size_t channels = 0;
  for (const auto& entry : fs::directory_iterator(CRYPELAB_SOURCE "/fixtures/evidence")) {
    const auto file = entry.path() / "packets.pcapng";
    const auto theirs = read_by_tshark(file);
    std::ifstream stream(file, std::ios::binary);
    const std::vector<char> content{std::istreambuf_iterator<char>(stream), {}};
    PcapngReader reader;
    reader.feed(bytes_of({content.data(), content.size()}));
    std::size_t number = 0;
    for (auto block = reader.next(); block; block = reader.next()) {
      const auto* packet = std::get_if<PcapngPacket>(&*block);
      if (packet == nullptr) continue;
      ASSERT_LT(number, theirs.size()) << file;
      auto seen = theirs[number++];
      auto read = read_here(*packet);
      leave_out_what_cannot_be_compared(seen, read);
      EXPECT_EQ(read, seen) << file << ", packet " << number;
      stun += read[kStun].empty() ? 0 : 1;
      channels += read[kAll - 1].empty() ? 0 : 1;
      tcp += read[8].empty() ? 0 : 1;
    }
    EXPECT_EQ(number, theirs.size()) << file;
  }
  EXPECT_GT(stun, 500U);
  EXPECT_GT(tcp, 500U);
  EXPECT_GT(channels, 10U);
}

}  // namespace
}  // namespace crypelab::wire
