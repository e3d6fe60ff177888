#include "harness/impair/link_message.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crypelab::impair;
  if (const auto request = decode_link_request({data, size})) {
    const auto again = decode_link_request(encode(*request));
    if (!again || *again != *request) std::abort();
    if (const auto* set = std::get_if<SetImpairment>(&*request)) complaint_about(set->impairment);
  }
  if (const auto reply = decode_link_reply({data, size})) {
    const auto again = decode_link_reply(encode(*reply));
    if (!again || *again != *reply) std::abort();
  }
  return 0;
}
