#include "harness/wire/dns.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto answer = crypelab::wire::parse_dns_answer({data, size});
  if (answer && (answer->addresses.size() > 256 || answer->name.size() > 253)) std::abort();
  const auto question = crypelab::wire::parse_dns_question({data, size});
  if (question) {
    if (question->name.size() > 253 || question->size > size) std::abort();
    // What refuses a question is an answer to it.
    const auto refusal = crypelab::wire::encode_dns_refusal({data, size}, *question, crypelab::wire::DnsCode::refused);
    const auto read = crypelab::wire::parse_dns_answer(refusal);
    if (!read || read->id != question->id || read->name != question->name || read->type != question->type) std::abort();
  }
  return 0;
}
