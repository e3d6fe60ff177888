// The same stream in two segmentations must give the same messages; the first byte says how large the segments are.
#include "harness/wire/turn_frame.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

using namespace crypelab::wire;

namespace {

struct Outcome {
  std::vector<std::vector<std::uint8_t>> messages;
  bool broken = false;
  bool operator==(const Outcome&) const = default;
};

Outcome turn_messages(Bytes bytes, std::size_t segment) {
  TurnStream stream;
  Outcome outcome;
  while (!bytes.empty()) {
    const std::size_t size = std::min(segment, bytes.size());
    stream.feed(bytes.first(size));
    bytes = bytes.subspan(size);
    while (const auto frame = stream.next()) outcome.messages.emplace_back(frame->bytes.begin(), frame->bytes.end());
  }
  outcome.broken = stream.fault().has_value();
  return outcome;
}

Outcome packets(Bytes bytes, std::size_t segment) {
  LengthStream stream;
  Outcome outcome;
  while (!bytes.empty()) {
    const std::size_t size = std::min(segment, bytes.size());
    stream.feed(bytes.first(size));
    bytes = bytes.subspan(size);
    while (const auto packet = stream.next()) outcome.messages.emplace_back(packet->begin(), packet->end());
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes(data + 1, size - 1);
  if (turn_messages(bytes, size) != turn_messages(bytes, 1u + data[0])) std::abort();
  if (packets(bytes, size) != packets(bytes, 1u + data[0])) std::abort();
  parse_channel_data(bytes);
  return 0;
}
