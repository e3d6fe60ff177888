#pragma once

#include "harness/wire/stun_attributes.h"

#include <initializer_list>
#include <span>

namespace crypelab::wire {

// Writes one STUN message into a buffer of the caller's; allocates nothing. The header's length is right after every
// call. What does not fit is not written, and `bytes` is empty then. Any order and any value is written as asked: a
// server that misbehaves on request needs that. The right order is integrity, then integrity with SHA-256, then
// fingerprint, last.
class StunWriter {
 public:
  StunWriter(std::span<std::uint8_t> out, StunClass message_class, StunMethod method, const TransactionId& transaction);

  // The message so far; empty when something did not fit into the buffer or into 65,535 bytes.
  Bytes bytes() const { return fits_ ? Bytes(out_.first(size_)) : Bytes(); }
  bool fits() const { return fits_; }

  StunWriter& add(StunAttribute type, Bytes value = {});
  StunWriter& add_text(StunAttribute type, std::string_view value) { return add(type, bytes_of(value)); }
  // Room for a value to be filled in place; empty when it does not fit.
  std::span<std::uint8_t> add_space(StunAttribute type, std::size_t size);
  StunWriter& add_u32(StunAttribute type, std::uint32_t value);
  StunWriter& add_u64(StunAttribute type, std::uint64_t value);
  StunWriter& add_address(StunAttribute type, const Endpoint& endpoint);  // plain or XORed, as the type says
  StunWriter& add_error(unsigned code, std::string_view reason);
  StunWriter& add_address_error(const StunAddressError& error);
  StunWriter& add_icmp(const StunIcmp& icmp);
  StunWriter& add_channel(std::uint16_t channel);
  StunWriter& add_response_port(std::uint16_t port);
  StunWriter& add_family(StunAttribute type, Family family);
  StunWriter& add_transport(std::uint8_t protocol);  // REQUESTED-TRANSPORT
  StunWriter& add_even_port(bool reserve_next);
  StunWriter& add_change_request(StunChangeRequest change);
  StunWriter& add_unknown_attributes(std::span<const StunAttribute> types);
  // PASSWORD-ALGORITHMS with the list in this order; PASSWORD-ALGORITHM with one. Neither has parameters.
  StunWriter& add_password_algorithms(std::span<const PasswordAlgorithm> algorithms);
  StunWriter& add_password_algorithm(PasswordAlgorithm algorithm);

  StunWriter& add_integrity(Bytes key);
  StunWriter& add_integrity_sha256(Bytes key, std::size_t size = 32);  // 16 to 32, a multiple of four
  StunWriter& add_fingerprint();

  // What attributes are padded with from now on: zero (RFC 8489 §14) unless set; RFC 5769 uses spaces.
  StunWriter& pad_with(std::uint8_t byte);

 private:
  std::span<std::uint8_t> out_;
  std::size_t size_ = 0;
  TransactionId transaction_{};
  std::uint8_t padding_ = 0;
  bool fits_ = true;
};

}  // namespace crypelab::wire
