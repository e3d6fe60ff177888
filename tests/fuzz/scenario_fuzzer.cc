#include "harness/scenario/loader.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

// Any bytes give scenarios or complaints, and never both or neither; every complaint can be printed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto loaded = crypelab::scenario::parse(std::string(data, data + size), "fuzz.yaml");
  const std::string text = crypelab::scenario::to_string(loaded.problems);
  if (loaded.ok() == loaded.scenarios.empty() || loaded.ok() != text.empty()) std::abort();
  return 0;
}
