#include "harness/faults/turn_answer.h"

namespace crypelab::faults {
namespace {

using wire::StunAttribute;

// Of a kind that no specification has given a meaning.
constexpr auto kUnknownRequired = StunAttribute{0x7FF1};
constexpr auto kUnknownOptional = StunAttribute{0xFFF1};

}  // namespace

wire::Bytes TurnAnswer::finish(const TurnAct& act, const TurnAsker* asker) {
  if (act.unknown_required) writer.add_u32(kUnknownRequired, 1);
  if (act.unknown_optional) writer.add_u32(kUnknownOptional, 1);
  if (asker != nullptr && !act.no_integrity) {
    auto key = asker->key;
    if (act.bad_integrity) key.bytes[0] ^= 0xFF;
    if (asker->sha256) {
      writer.add_integrity_sha256(key.view());
    } else {
      writer.add_integrity(key.view());
    }
  }
  writer.add_fingerprint();
  return writer.bytes();
}

std::string_view turn_error_reason(unsigned code) {
  switch (code) {
    case 300:
      return "Try Alternate";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthenticated";
    case 403:
      return "Forbidden";
    case 420:
      return "Unknown Attribute";
    case 437:
      return "Allocation Mismatch";
    case 438:
      return "Stale Nonce";
    case 440:
      return "Address Family not Supported";
    case 441:
      return "Wrong Credentials";
    case 442:
      return "Unsupported Transport Protocol";
    case 443:
      return "Peer Address Family Mismatch";
    case 486:
      return "Allocation Quota Reached";
    case 500:
      return "Server Error";
    case 508:
      return "Insufficient Capacity";
    default:
      return "As the script says";
  }
}

}  // namespace crypelab::faults
