#include "clients/reference/job/job.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crypelab::client::job;
  const auto read = read_job({static_cast<const char*>(static_cast<const void*>(data)), size});
  if (const auto* const malformed = std::get_if<Malformed>(&read)) {
    if (malformed->text.empty()) std::abort();
    if (!malformed->pointer.empty() && malformed->pointer.front() != '/') std::abort();
  }
  return 0;
}
