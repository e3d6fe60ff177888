// Decodes any bytes as a frame and as a packet; every view must lie within them.
#include "harness/wire/packet.h"

#include <cstdlib>

using namespace crypelab::wire;

namespace {

void check_within(Bytes whole, Bytes view) {
  if (view.empty()) return;
  if (view.data() < whole.data() || view.data() + view.size() > whole.data() + whole.size()) std::abort();
}

void check(Bytes bytes, int depth) {
  const auto packet = decode_ip(bytes);
  if (!packet) return;
  check_within(bytes, packet->payload);
  if (packet->tcp() != nullptr) check_within(bytes, packet->tcp()->options);
  if (packet->source_endpoint().address != packet->source) std::abort();
  if (packet->icmp() != nullptr && depth < 4) check(packet->payload, depth + 1);
  transport_checksum(packet->source, packet->destination, packet->protocol, packet->payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  check(bytes, 0);
  if (const auto frame = decode_ethernet(bytes)) {
    check_within(bytes, frame->payload);
    check(frame->payload, 0);
  }
  decode_frame(bytes);
  return 0;
}
