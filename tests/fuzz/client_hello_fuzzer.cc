// The same bytes in two segmentations must be judged alike; the first byte says how large the segments are.
#include "harness/wire/client_hello.h"

#include <algorithm>
#include <cstdlib>

using namespace crypelab::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Bytes bytes(data + 1, size - 1);
  ClientHelloParser whole;
  whole.feed(bytes);
  ClientHelloParser split;
  while (!bytes.empty()) {
    const std::size_t segment = std::min<std::size_t>(1u + data[0], bytes.size());
    split.feed(bytes.first(segment));
    bytes = bytes.subspan(segment);
  }
  if (whole.state() != split.state()) std::abort();
  if (whole.state() != ClientHelloParser::State::hello) return 0;
  if (whole.hello().size > ClientHelloParser::largest_hello) std::abort();
  if (whole.hello().extensions != split.hello().extensions || whole.hello().alpn != split.hello().alpn ||
      whole.hello().server_name != split.hello().server_name ||
      whole.hello().key_share_groups != split.hello().key_share_groups) {
    std::abort();
  }
  return 0;
}
