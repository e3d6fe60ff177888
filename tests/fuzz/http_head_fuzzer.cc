// The same bytes in two segmentations must be judged alike, and what is written from a head must read as that head.
#include "harness/wire/http_head.h"

#include <algorithm>
#include <cstdlib>

using namespace crypelab::wire;

namespace {

template <class Parser>
void check(Bytes bytes, std::size_t segment) {
  Parser whole;
  const std::size_t used = whole.feed(bytes);
  Parser split;
  std::size_t used_split = 0;
  for (std::size_t at = 0; at < bytes.size(); at += segment) {
    used_split += split.feed(bytes.subspan(at, std::min(segment, bytes.size() - at)));
  }
  if (whole.state() != split.state() || used != used_split) std::abort();
  if (whole.state() != HttpState::head) return;
  Parser again(HttpLimits{1 << 20, 1000});
  again.feed(bytes_of(to_text(whole.head())));
  if (again.state() != HttpState::head || again.head().fields.size() != whole.head().fields.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes(data + 1, size - 1);
  check<HttpRequestParser>(bytes, 1u + data[0]);
  check<HttpResponseParser>(bytes, 1u + data[0]);
  const auto authority = parse_authority(text_of(bytes));
  if (authority && authority->port == 0) std::abort();
  return 0;
}
