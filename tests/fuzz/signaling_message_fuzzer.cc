// The message grammar: whatever is read must be forwarded as a message that reads back with the same content, and a
// refusal must be safe to print.
#include "clients/signaling/message.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crypelab::signaling;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Message message;
  if (const auto refusal = read_message(text, message)) {
    Message error;
    if (read_message(error_text({refusal->code, refusal->seq == 0 ? 1 : refusal->seq}), error)) std::abort();
    if (error.code != refusal->code) std::abort();
    return 0;
  }
  if (message.type == Type::ping || message.type == Type::pong) return 0;
  Message again;
  if (read_message(forwarded(message, "alice", largest_seq), again)) std::abort();
  if (again.type != message.type || again.sdp != message.sdp || again.candidate != message.candidate ||
      again.sdp_mid != message.sdp_mid || again.code != message.code || again.from != "alice" ||
      again.seq != largest_seq) {
    std::abort();
  }
  return 0;
}
