// What reads as an SDP, or as a candidate, must read alike when it is written.
#include "harness/wire/bytes.h"
#include "harness/wire/sdp.h"

#include <cstdlib>

using namespace crypelab::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(Bytes(data, size));
  if (const auto sdp = parse_sdp(text)) {
    const auto written = to_text(*sdp);
    const auto again = parse_sdp(written);
    // What is written can be larger than what was read, and then beyond the limit.
    if (!again && written.size() <= largest_sdp) std::abort();
    if (again && to_text(*again) != written) std::abort();
  }
  if (const auto candidate = parse_candidate(text)) {
    const auto again = parse_candidate(to_text(*candidate));
    if (!again && to_text(*candidate).size() <= 1000) std::abort();
    if (again && *again != *candidate) std::abort();
  }
  return 0;
}
