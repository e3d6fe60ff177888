#include "clients/reference/measure/test_message.h"

namespace crypelab::client::measure {

std::optional<TestHeader> TestHeader::parse(wire::Bytes message) {
  if (message.size() < size || message[1] != version) return std::nullopt;
  const auto kind = message[0];
  if (kind < static_cast<std::uint8_t>(Kind::echo_request) || kind > static_cast<std::uint8_t>(Kind::hold)) {
    return std::nullopt;
  }
  const TestHeader header{.kind = static_cast<Kind>(kind),
                          .phase = wire::load<std::uint16_t>(message, 2),
                          .length = wire::load<std::uint32_t>(message, 4),
                          .sequence = wire::load<std::uint64_t>(message, 8),
                          .microseconds = wire::load<std::uint64_t>(message, 16)};
  if (header.length != message.size()) return std::nullopt;
  return header;
}

void TestHeader::write(std::span<std::uint8_t> out) const {
  out[0] = static_cast<std::uint8_t>(kind);
  out[1] = version;
  wire::store<std::uint16_t>(out, 2, phase);
  wire::store<std::uint32_t>(out, 4, length);
  wire::store<std::uint64_t>(out, 8, sequence);
  wire::store<std::uint64_t>(out, 16, microseconds);
}

}  // namespace crypelab::client::measure
