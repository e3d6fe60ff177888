#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crypelab::signaling {

// Why something was refused. `code` is a word of the protocol, with the field or limit after a colon where one is meant
// ("missing-field:sdp"); it never quotes what the sender wrote except a field's name. `seq` is the sender's number of
// the refused message, 0 when it had none.
struct Refusal {
  std::string code;
  std::uint64_t seq = 0;
};

enum class Type : std::uint8_t { offer, answer, candidate, end_of_candidates, bye, error, ping, pong };

std::string_view to_string(Type type);

// One message of `crype.signaling.v1` as a peer sent it. Which fields a type must and may have: see read_message.
struct Message {
  Type type = Type::ping;
  std::uint64_t seq = 0;  // the sender's own number, from 1; 0 when absent
  std::optional<std::string> from, sdp, candidate, sdp_mid, code;
};

// The largest number that every JSON implementation holds exactly (RFC 8259 section 6).
constexpr std::uint64_t largest_seq = (std::uint64_t{1} << 53) - 1;

// Reads one JSON text (RFC 8259, UTF-8) into `message`, or says why it is no message. The grammar is closed: a flat
// object, every field at most once, no field that the type does not have, no empty required string.
//   offer, answer       seq, sdp                     end-of-candidates   seq, [sdpMid]
//   candidate           seq, candidate, [sdpMid]     bye                 seq, [code]
//   error               seq, code                    ping, pong          nothing
// `from` may stand in each; whether it is true is for the room to say. Codes: not-json, not-an-object, nested-value,
// unknown-field, duplicate-field, unknown-type, missing-field, wrong-value, field-not-allowed.
std::optional<Refusal> read_message(std::string_view text, Message& message);

// The text that the other peer gets: the same message with `from` and `seq` set by the server.
std::string forwarded(const Message& message, std::string_view from, std::uint64_t seq);

// What the server says for itself: no `from`.
std::string error_text(const Refusal& refusal);
// Acknowledgement: every message of this peer up to `stored` is in the room.
std::string pong_text(std::uint64_t stored);

// Room and peer names: 1 to 64 of A-Z a-z 0-9 . _ -
bool is_name(std::string_view text);

}  // namespace crypelab::signaling
