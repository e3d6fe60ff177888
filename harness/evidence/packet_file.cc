#include "harness/evidence/packet_file.h"

#include "harness/base/error.h"
#include "harness/wire/pcapng.h"
#include "harness/wire/pcapng_format.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace crypelab::evidence {
namespace {

constexpr std::string_view kClock = "the lab's clock began at nanosecond ";
constexpr std::size_t kBlockHead = 8;    // type and length
constexpr std::size_t kPacketHead = 20;  // of an Enhanced Packet Block, behind them

// The capture is written by this program in this order; the reader of wire/ takes one block after the other, so that
// nothing is held twice.
class PacketFile {
 public:
  PacketFile(std::string name, Attempt& attempt) : name_(std::move(name)), attempt_(attempt) {}

  void read() {
    const auto bytes = attempt_.capture.bytes();
    while (at_ < bytes.size()) {
      const auto rest = bytes.subspan(at_);
      const std::size_t size = block_size(rest);
      reader_.feed(rest.first(size));
      while (auto block = reader_.next()) take(*block, rest);
      if (reader_.fault()) refuse(*reader_.fault());
      at_ += size;
    }
    if (!began_) refuse("no capture of crypelab");
    if (interfaces_ != attempt_.interfaces.size()) refuse("not the interfaces that the evidence names");
    // Under load some may have been written out of order.
    if (!std::ranges::is_sorted(attempt_.packets, {}, &Packet::at)) {
      std::ranges::stable_sort(attempt_.packets, {}, &Packet::at);
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Failure(Exit::data, fmt::format("{}: at byte {}: {}", name_, at_, what));
  }

  // In little-endian order, as this program writes.
  std::size_t block_size(wire::Bytes rest) const {
    if (rest.size() < 12) refuse("cut off here");
    std::size_t size = 0;
    for (std::size_t i = 4; i-- > 0;) size = size << 8 | rest[4 + i];
    if (size < 12 || size % 4 != 0 || size > wire::PcapngReader::largest_block) refuse("a block of impossible length");
    if (size > rest.size()) refuse("cut off in this block");
    return size;
  }

  void take(const wire::PcapngBlock& block, wire::Bytes here) {
    if (const auto* section = std::get_if<wire::PcapngSection>(&block)) {
      if (began_) refuse("a second section");
      const auto& comment = section->comment;
      if (!comment.starts_with(kClock)) refuse("no capture of crypelab");
      const auto [end, error] = std::from_chars(comment.data() + kClock.size(), comment.data() + comment.size(), zero_);
      if (error != std::errc() || end != comment.data() + comment.size()) refuse("no capture of crypelab");
      began_ = true;
    } else if (const auto* interface = std::get_if<wire::PcapngInterface>(&block)) {
      if (interfaces_ >= attempt_.interfaces.size() || attempt_.interfaces[interfaces_].name != interface->name) {
        refuse(fmt::format("the evidence has no such interface: {}", interface->name));
      }
      ++interfaces_;
    } else if (const auto* packet = std::get_if<wire::PcapngPacket>(&block)) {
      Packet seen;
      seen.at = std::chrono::nanoseconds(static_cast<std::int64_t>(packet->time - zero_));
      seen.interface = packet->interface;
      seen.outgoing = packet->direction == wire::PcapngDirection::outbound;
      seen.length = packet->original_length;
      seen.bytes = here.subspan(kBlockHead + kPacketHead, packet->data.size());
      attempt_.packets.push_back(seen);
    }
  }

  std::string name_;
  Attempt& attempt_;
  wire::PcapngReader reader_;
  std::size_t at_ = 0;
  std::size_t interfaces_ = 0;
  std::uint64_t zero_ = 0;
  bool began_ = false;
};

}  // namespace

void read_packets(const std::filesystem::path& file, Attempt& attempt) {
  attempt.capture = Memory::map(file);
  decode_packets(file.string(), attempt);
}

void decode_packets(const std::string& name, Attempt& attempt) { PacketFile(name, attempt).read(); }

std::string clock_comment(std::chrono::nanoseconds since_1970) {
  return fmt::format("{}{}", kClock, since_1970.count());
}

}  // namespace crypelab::evidence
