#include "harness/lab/client_talk.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

// What a client writes, in pieces and at times that the first bytes choose: the same events however it is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using crypelab::lab::ClientTalk;
  if (size < 1) return 0;
  const std::size_t piece = data[0] + std::size_t{1};
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::chrono::nanoseconds now(1);
  ClientTalk whole("alice");
  whole.take(text, now);
  whole.end(now);
  ClientTalk cut("alice");
  for (std::size_t at = 0; at < text.size(); at += piece) cut.take(text.substr(at, piece), now);
  cut.end(now);
  if (whole.events() != cut.events()) std::abort();
  return 0;
}
