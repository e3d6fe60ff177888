#include "harness/impair/segmentation.h"

#include <cstdlib>

// A frame of a program under test, behind a vnet header: every byte is hostile.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crypelab::impair;
  if (size > 70'000) return 0;
  const Frame frame = Frame::copy_of({data, size});
  is_link_control(frame.bytes());
  std::vector<Frame> pieces;
  if (!segment(frame, pieces)) return pieces.empty() ? 0 : (std::abort(), 0);
  for (const Frame& piece : pieces) {
    if (piece.bytes().size() > size || piece.is_aggregate()) std::abort();
  }
  return 0;
}
