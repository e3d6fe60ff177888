#pragma once

#include "harness/wire/bytes.h"

#include <cstdint>
#include <optional>
#include <span>

namespace crypelab::client::measure {

// What a test message is for.
enum class Kind : std::uint8_t { echo_request = 1, echo_reply = 2, throughput = 3, hold = 4 };

// The first 24 bytes of every message on `crype-data` (clients/CONTRACT.md), in network order.
struct TestHeader {
  static constexpr std::size_t size = 24;
  static constexpr std::uint8_t version = 1;

  Kind kind = Kind::echo_request;
  std::uint16_t phase = 0;
  std::uint32_t length = size;     // of the whole message
  std::uint64_t sequence = 0;      // 0, 1, 2 ... in each phase and direction
  std::uint64_t microseconds = 0;  // the sender's clock; means nothing to others
  bool operator==(const TestHeader&) const = default;

  // Nothing when it is no test message, or its length is not that of `message`.
  static std::optional<TestHeader> parse(wire::Bytes message);
  // `out` has at least `size` bytes.
  void write(std::span<std::uint8_t> out) const;
};

}  // namespace crypelab::client::measure
