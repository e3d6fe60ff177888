#include "harness/impair/delivery_trace.h"

#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crypelab::impair;
  const auto trace = parse_delivery_trace({reinterpret_cast<const char*>(data), size});
  if (!trace) return 0;
  const std::uint64_t count = trace->milliseconds().size();
  for (const std::uint64_t number : {std::uint64_t{0}, count - 1, count, 3 * count + count / 2}) {
    const Time time = trace->time_of(number);
    if (trace->time_of(trace->first_at(time)) != time) std::abort();
  }
  return 0;
}
