#include "harness/faults/ntlm_helper.h"
#include "harness/wire/ntlm.h"

#include <cstdlib>

// Messages of strangers' NTLM clients, and the lines in which Squid hands them on.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crypelab;
  const wire::Bytes bytes(data, size);
  if (const auto read = wire::parse_ntlm_authenticate(bytes)) {
    const auto key = wire::ntlmv2_key(wire::nt_hash("wonderland"), read->user, read->domain);
    if (wire::verify_ntlmv2(key, wire::NtlmChallenge{}, read->response)) std::abort();
  }
  faults::NtlmDialogue dialogue({{"alice", wire::nt_hash("wonderland")}}, "OFFICE",
                                [] { return wire::NtlmChallenge{}; });
  std::string_view text = wire::text_of(bytes);
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (dialogue.answer(text.substr(0, end)).starts_with("AF")) std::abort();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return 0;
}
