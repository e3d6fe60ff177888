#include "harness/wire/bytes.h"
#include "harness/wire/measure_json.h"

#include <cstdlib>

// What is accepted is the same after another way there and back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crypelab::wire;
  const auto text = text_of({data, size});
  if (const auto job = decode_job(text)) {
    const auto again = decode_job(encode_job(*job));
    if (!again || *again != *job) std::abort();
  }
  if (const auto answer = decode_answer(text)) {
    const auto again = decode_answer(encode_answer(*answer));
    if (!again || *again != *answer) std::abort();
  }
  static_cast<void>(decode_conclude(text));
  return 0;
}
