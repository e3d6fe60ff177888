#pragma once

#include "harness/base/result.h"
#include "harness/impair/counters.h"
#include "harness/impair/impairment.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace crypelab::impair {

enum class Direction : std::uint8_t { a_to_b, b_to_a };

// What the lab asks the engine, and the engine answers: one message each, over a SOCK_SEQPACKET pair between a process
// and its own fork. Both sides are one program, so the format has no version; it is bounded and checked like any other.
struct SetImpairment {
  std::uint32_t link = 0;  // position in the list of plans
  Direction direction = Direction::a_to_b;
  Time at{};  // CLOCK_MONOTONIC; what lies in the past is now
  Impairment impairment;
  bool operator==(const SetImpairment&) const = default;
};

struct ReadCounters {
  std::uint32_t link = 0;
  Direction direction = Direction::a_to_b;
  bool operator==(const ReadCounters&) const = default;
};

using LinkRequest = std::variant<SetImpairment, ReadCounters>;

// Exactly one for each request, in order. `complaint` is empty when the request was carried out.
struct LinkReply {
  std::string complaint;
  std::optional<LinkCounters> counters;
  bool operator==(const LinkReply&) const = default;
};

inline constexpr std::size_t kMaxLinkMessage = 128 * 1024;

std::vector<std::uint8_t> encode(const LinkRequest& request);
std::vector<std::uint8_t> encode(const LinkReply& reply);
Result<LinkRequest> decode_link_request(std::span<const std::uint8_t> bytes);
Result<LinkReply> decode_link_reply(std::span<const std::uint8_t> bytes);

}  // namespace crypelab::impair
