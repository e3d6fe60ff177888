#include "harness/wire/stun_message.h"

#include <algorithm>

namespace crypelab::wire {
namespace {

// Longest text that RFC 8489 allows: 127 characters of six bytes, and one (§14.9).
constexpr std::size_t longest_text = 763;

// Class bits 8 and 4, method bits around them (RFC 8489 §5, figure 3).
StunClass class_of(std::uint16_t type) { return static_cast<StunClass>((type >> 7 & 2) | (type >> 4 & 1)); }
StunMethod method_of(std::uint16_t type) {
  return static_cast<StunMethod>((type & 0xf) | (type >> 1 & 0x70) | (type >> 2 & 0xf80));
}

}  // namespace

bool looks_like_stun(Bytes datagram) {
  return datagram.size() >= stun_header_size && datagram[0] < 4 &&
         load<std::uint32_t>(datagram, 4) == stun_magic_cookie && datagram[3] % 4 == 0 &&
         load<std::uint16_t>(datagram, 2) + stun_header_size == datagram.size();
}

Result<StunMessage> StunMessage::parse(Bytes bytes) {
  if (bytes.size() < stun_header_size) return Complaint{"STUN: shorter than a header"};
  const auto type = load<std::uint16_t>(bytes, 0);
  if (type >= 0x4000) return Complaint{"STUN: the first two bits are not zero"};
  if (load<std::uint32_t>(bytes, 4) != stun_magic_cookie) return Complaint{"STUN: no magic cookie"};
  const std::size_t length = load<std::uint16_t>(bytes, 2);
  if (length % 4 != 0) return Complaint{"STUN: the length is not a multiple of four"};
  if (length + stun_header_size != bytes.size()) return Complaint{"STUN: the length is not that of the message"};

  StunMessage message;
  message.bytes_ = bytes;
  message.class_ = class_of(type);
  message.method_ = method_of(type);
  std::copy_n(bytes.begin() + 8, message.transaction_.size(), message.transaction_.begin());

  std::size_t& end = message.counted_end_;
  for (std::size_t at = stun_header_size; at < bytes.size();) {
    if (bytes.size() - at < 4) return Complaint{"STUN: an attribute header is cut off"};
    const std::size_t size = 4 + padded4(load<std::uint16_t>(bytes, at + 2));
    if (bytes.size() - at < size) return Complaint{"STUN: an attribute reaches beyond the message"};
    const StunAttribute attribute{load<std::uint16_t>(bytes, at)};
    const bool before_fingerprint = message.fingerprint_at_ == 0;
    const bool before_sha256 = before_fingerprint && message.integrity_sha256_at_ == 0;
    if (attribute == StunAttribute::message_integrity && before_sha256 && message.integrity_at_ == 0) {
      message.integrity_at_ = at;
    } else if (attribute == StunAttribute::message_integrity_sha256 && before_sha256) {
      message.integrity_sha256_at_ = at;
    } else if (attribute == StunAttribute::fingerprint && before_fingerprint) {
      message.fingerprint_at_ = at;
    } else {
      at += size;
      continue;
    }
    if (end == 0) end = at;
    at += size;
  }
  if (end == 0) end = bytes.size();
  return message;
}

std::optional<Bytes> StunMessage::find(StunAttribute type) const {
  std::size_t special = 0;
  if (type == StunAttribute::message_integrity) special = integrity_at_;
  if (type == StunAttribute::message_integrity_sha256) special = integrity_sha256_at_;
  if (type == StunAttribute::fingerprint) special = fingerprint_at_;
  if (special != 0) return value_at(special);
  for (const auto attribute : attributes()) {
    if (attribute.type == type) return attribute.value;
  }
  return std::nullopt;
}

std::optional<Endpoint> StunMessage::address(StunAttribute type) const {
  const auto value = find(type);
  if (!value) return std::nullopt;
  return is_xor_address(type) ? decode_xor_address(*value, transaction_) : decode_address(*value);
}

std::optional<std::string_view> StunMessage::text(StunAttribute type) const {
  const auto value = find(type);
  if (!value || value->size() > longest_text) return std::nullopt;
  return text_of(*value);
}

std::optional<std::uint16_t> StunMessage::number16(StunAttribute type) const {
  const auto value = find(type);
  return value ? decode_u16(*value) : std::nullopt;
}

std::optional<std::uint32_t> StunMessage::number32(StunAttribute type) const {
  const auto value = find(type);
  return value ? decode_u32(*value) : std::nullopt;
}

std::optional<std::uint64_t> StunMessage::number64(StunAttribute type) const {
  const auto value = find(type);
  return value ? decode_u64(*value) : std::nullopt;
}

std::optional<StunError> StunMessage::error() const {
  const auto value = find(StunAttribute::error_code);
  return value ? decode_error_code(*value) : std::nullopt;
}

std::optional<Family> StunMessage::family(StunAttribute type) const {
  const auto value = find(type);
  return value ? decode_family(*value) : std::nullopt;
}

std::vector<StunPasswordAlgorithm> StunMessage::password_algorithms(StunAttribute type) const {
  const auto value = find(type);
  if (!value) return {};
  auto algorithms = decode_password_algorithms(*value);
  if (!algorithms || (type == StunAttribute::password_algorithm && algorithms->size() != 1)) return {};
  return std::move(*algorithms);
}

std::vector<StunAttribute> StunMessage::unknown_required() const {
  std::vector<StunAttribute> unknown;
  for (const auto attribute : attributes()) {
    if (comprehension_required(attribute.type) && name_of(attribute.type).empty() &&
        std::find(unknown.begin(), unknown.end(), attribute.type) == unknown.end()) {
      unknown.push_back(attribute.type);
    }
  }
  return unknown;
}

std::vector<StunAttribute> StunMessage::unknown_required(std::span<const StunAttribute> understood) const {
  std::vector<StunAttribute> unknown;
  for (const auto attribute : attributes()) {
    if (comprehension_required(attribute.type) &&
        std::find(understood.begin(), understood.end(), attribute.type) == understood.end() &&
        std::find(unknown.begin(), unknown.end(), attribute.type) == unknown.end()) {
      unknown.push_back(attribute.type);
    }
  }
  return unknown;
}

}  // namespace crypelab::wire
