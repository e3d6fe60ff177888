#include "harness/base/error.h"
#include "harness/evidence/attempt_writer.h"
#include "harness/evidence/evidence_json.h"
#include "harness/evidence/packet_file.h"

#include <cstdint>
#include <cstdlib>

// Evidence that somebody sent: it is refused, or read and written again as it was read. Bytes that begin as a capture
// does are read as one, of the interfaces "a" and "b".
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace crypelab;
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    if (size > 0 && data[0] == 0x0A) {
      evidence::Attempt attempt;
      attempt.interfaces = {{"a"}, {"b"}};
      attempt.capture = evidence::Memory(std::vector<std::uint8_t>(data, data + size));
      evidence::decode_packets("packets", attempt);
      for (const auto& packet : attempt.packets) {
        if (packet.interface > 1 || packet.bytes.size() > size) std::abort();
      }
      return 0;
    }
    const auto attempt = evidence::decode(text, "evidence");
    std::string out;
    evidence::encode(attempt, evidence::Redaction(std::vector<evidence::Secret>{}),
                     [&](std::string_view piece) { out += piece; });
    try {
      if (evidence::decode(out, "evidence").events.size() != attempt.events.size()) std::abort();
    } catch (const Failure&) {
      std::abort();
    }
  } catch (const Failure& failure) {
    if (failure.exit() != Exit::data) std::abort();
  }
  return 0;
}
