#pragma once

#include "harness/base/result.h"
#include "harness/wire/stun_attributes.h"

#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

namespace crypelab::wire {

struct StunAttributeView {
  StunAttribute type{};
  Bytes value;  // without padding
};

// Attributes one after another, already known to be whole.
class StunAttributeRange {
 public:
  class Iterator {
   public:
    using value_type = StunAttributeView;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(Bytes rest) : rest_(rest) {}
    StunAttributeView operator*() const {
      return {StunAttribute{load<std::uint16_t>(rest_, 0)}, rest_.subspan(4, load<std::uint16_t>(rest_, 2))};
    }
    Iterator& operator++() {
      rest_ = rest_.subspan(4 + padded4(load<std::uint16_t>(rest_, 2)));
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return rest_.size() == other.rest_.size(); }

   private:
    Bytes rest_;
  };

  StunAttributeRange() = default;
  explicit StunAttributeRange(Bytes whole) : whole_(whole) {}
  Iterator begin() const { return Iterator(whole_); }
  Iterator end() const { return Iterator(whole_.last(0)); }

 private:
  Bytes whole_;
};

// Whether a datagram is a STUN message and not DTLS, ChannelData or anything else on the port (RFC 8489 §5, RFC 7983
// §7): first two bits zero, magic cookie, a length that fits the datagram and is a multiple of four.
bool looks_like_stun(Bytes datagram);

// A STUN message read in place (RFC 8489 §5, §14). It keeps views into the buffer and allocates nothing.
//
// Parsing checks form only. Who needs integrity checks it on the raw bytes (stun_integrity.h) before believing a value.
// The getters see an attribute's first occurrence, and none that follows MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 or
// FINGERPRINT except as RFC 8489 §14.5 to §14.7 allow; a value of wrong form reads as absent, `has` tells the two
// apart.
class StunMessage {
 public:
  // `bytes` is the whole message and nothing else.
  static Result<StunMessage> parse(Bytes bytes);

  StunClass message_class() const { return class_; }
  StunMethod method() const { return method_; }
  bool is(StunMethod method, StunClass message_class) const { return method_ == method && class_ == message_class; }
  const TransactionId& transaction() const { return transaction_; }
  Bytes bytes() const { return bytes_; }

  // Those that count, in order; integrity and fingerprint are not among them.
  StunAttributeRange attributes() const { return StunAttributeRange(bytes_.first(counted_end_).subspan(20)); }
  // Everything that is in the message, ignored or not.
  StunAttributeRange all_attributes() const { return StunAttributeRange(bytes_.subspan(20)); }

  std::optional<Bytes> find(StunAttribute type) const;
  bool has(StunAttribute type) const { return find(type).has_value(); }

  std::optional<Endpoint> address(StunAttribute type) const;        // plain or XORed, as the type says
  std::optional<std::string_view> text(StunAttribute type) const;   // at most 763 bytes (§14.9, §14.10, §14.14)
  std::optional<std::uint16_t> number16(StunAttribute type) const;  // CHANNEL-NUMBER, RESPONSE-PORT
  std::optional<std::uint32_t> number32(StunAttribute type) const;  // LIFETIME (seconds), PRIORITY
  std::optional<std::uint64_t> number64(
      StunAttribute type) const;           // ICE-CONTROLLED, ICE-CONTROLLING, RESERVATION-TOKEN
  std::optional<StunError> error() const;  // ERROR-CODE
  std::optional<Family> family(StunAttribute type) const;
  // PASSWORD-ALGORITHM or PASSWORD-ALGORITHMS; empty when absent or of wrong form.
  std::vector<StunPasswordAlgorithm> password_algorithms(StunAttribute type) const;

  // Comprehension-required types among those that count which are not `understood` (without it: which this codec has no
  // name for), each once, in order: what UNKNOWN-ATTRIBUTES of a 420 answer lists (RFC 8489 §6.3.1).
  std::vector<StunAttribute> unknown_required() const;
  std::vector<StunAttribute> unknown_required(std::span<const StunAttribute> understood) const;

  // Offset of the attribute's header, where it stands in a place in which it counts.
  std::optional<std::size_t> integrity_offset() const { return offset_or_none(integrity_at_); }
  std::optional<std::size_t> integrity_sha256_offset() const { return offset_or_none(integrity_sha256_at_); }
  std::optional<std::size_t> fingerprint_offset() const { return offset_or_none(fingerprint_at_); }

 private:
  StunMessage() = default;
  static std::optional<std::size_t> offset_or_none(std::size_t offset) {
    return offset != 0 ? std::optional(offset) : std::nullopt;
  }
  Bytes value_at(std::size_t offset) const {
    return bytes_.subspan(offset + 4, load<std::uint16_t>(bytes_, offset + 2));
  }

  Bytes bytes_;
  TransactionId transaction_{};
  StunMethod method_{};
  StunClass class_{};
  std::size_t counted_end_ = 0;
  std::size_t integrity_at_ = 0;  // 0: none
  std::size_t integrity_sha256_at_ = 0;
  std::size_t fingerprint_at_ = 0;
};

}  // namespace crypelab::wire
