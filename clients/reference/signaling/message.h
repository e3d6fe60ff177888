#pragma once

#include "harness/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::client::signaling {

enum class Type { offer, answer, candidate, end_of_candidates, bye, error, ping, pong };
std::string_view name_of(Type type);

// One message of `crype.signaling.v1` (clients/CONTRACT.md); texts that a type does not have are empty.
struct Message {
  Type type = Type::ping;
  std::uint64_t seq = 0;  // 0: none
  std::string from;       // empty: the server's own words
  std::string sdp;
  std::string candidate;
  std::string sdp_mid;
  std::string code;
};

inline constexpr std::size_t largest_message = 128U << 10U;  // of the server; the contract has 64 KiB before escaping

// One message as the server sends it. Fields that are not known are ignored; a wrong type of a known one is not.
Result<Message> parse_message(std::string_view text);
std::string to_text(const Message& message);

// The answer to a long poll: what came, and the acknowledgement of what was sent.
struct Polled {
  std::uint64_t stored = 0;
  std::vector<Message> messages;
};
inline constexpr std::size_t largest_poll = 1U << 20U;
Result<Polled> parse_polled(std::string_view text);

}  // namespace crypelab::client::signaling
