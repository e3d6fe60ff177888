// The same file in two pieces must give the same blocks, and a packet that was read must read alike when it is written.
#include "harness/wire/pcapng.h"

#include <algorithm>
#include <cstdlib>

using namespace crypelab::wire;

namespace {

struct Outcome {
  std::size_t blocks = 0;
  std::uint64_t sum = 0;
  std::optional<std::string> fault;
  bool operator==(const Outcome&) const = default;
};

void check_packet(const PcapngPacket& packet) {
  std::vector<std::uint8_t> file;
  write_block(file, PcapngSection{});
  write_block(file, PcapngInterface{});
  PcapngPacket copy = packet;
  copy.interface = 0;
  write_block(file, copy);
  PcapngReader reader;
  reader.feed(file);
  reader.next();
  reader.next();
  const auto block = reader.next();
  const auto* again = block ? std::get_if<PcapngPacket>(&*block) : nullptr;
  if (again == nullptr || again->time != packet.time || again->comment != packet.comment ||
      !std::equal(again->data.begin(), again->data.end(), packet.data.begin(), packet.data.end())) {
    std::abort();
  }
}

Outcome read(Bytes bytes, std::size_t piece) {
  PcapngReader reader;
  Outcome outcome;
  while (!bytes.empty()) {
    const std::size_t size = std::min(piece, bytes.size());
    reader.feed(bytes.first(size));
    bytes = bytes.subspan(size);
    while (const auto block = reader.next()) {
      ++outcome.blocks;
      outcome.sum = outcome.sum * 31 + block->index();
      if (const auto* packet = std::get_if<PcapngPacket>(&*block)) {
        outcome.sum = outcome.sum * 31 + packet->time + packet->data.size();
        check_packet(*packet);
      }
    }
  }
  outcome.fault = reader.fault();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes(data + 1, size - 1);
  if (read(bytes, size) != read(bytes, 1u + data[0])) std::abort();
  return 0;
}
