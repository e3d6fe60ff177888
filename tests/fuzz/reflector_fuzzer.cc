#include "harness/probe/conversation.h"
#include "harness/probe/reflector.h"

#include <cstdlib>

// A hostile host in front of the reflector: the first byte picks the socket, then datagrams with a length byte before
// each, and all of it again as a stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crypelab;
  using namespace crypelab::probe;
  if (size < 2) return 0;
  const Address a = Address::v4(0x7F000001);
  const Address b = Address::v4(0x7F000002);
  const Endpoint from{Address::v4(0x0A000001), 5000};
  Reflector reflector({{a, 3478}, {a, 3479}, {b, 3478}, {b, 3479}}, 1);
  const wire::Bytes all(data, size);
  Time now(0);
  reflector.receive(0, from, encode_packet({.kind = Kind::hello}), now);
  std::size_t received = packet_header_size;
  for (std::size_t at = 1; at < size;) {
    const auto length = std::min<std::size_t>(all[at], size - at - 1);
    reflector.receive(all[0] % 4, from, all.subspan(at + 1, length), now);
    received += length + 92;
    at += 1 + length;
    now += Duration(1000);
  }
  std::size_t sent = 0;
  for (const auto& outgoing : reflector.take()) sent += outgoing.bytes.size();
  if (sent > received) std::abort();  // nobody proved that he receives at his address

  Conversation conversation(reflector.sockets(), 0, from);
  for (std::size_t at = 0; at < size; at += 7) {
    conversation.receive(all.subspan(at, std::min<std::size_t>(7, size - at)), now);
    conversation.sent(conversation.outgoing().size() / 2, now);
  }
  conversation.finished(now);
  return 0;
}
