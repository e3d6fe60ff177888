#include "harness/wire/dns.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto answer = crypelab::wire::parse_dns_answer({data, size});
  if (answer && (answer->addresses.size() > 256 || answer->name.size() > 253)) std::abort();
  return 0;
}
