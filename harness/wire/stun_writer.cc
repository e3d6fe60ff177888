#include "harness/wire/stun_writer.h"

#include "harness/wire/digest.h"
#include "harness/wire/stun_integrity.h"

#include <algorithm>

namespace crypelab::wire {
namespace {

constexpr std::size_t largest_length = 0xFFFC;

std::uint16_t type_of(StunClass message_class, StunMethod method) {
  const auto c = static_cast<unsigned>(message_class);
  const auto m = static_cast<unsigned>(method) & 0xfff;
  return static_cast<std::uint16_t>((m & 0xf) | (m & 0x70) << 1 | (m & 0xf80) << 2 | (c & 1) << 4 | (c & 2) << 7);
}

}  // namespace

StunWriter::StunWriter(std::span<std::uint8_t> out, StunClass message_class, StunMethod method,
                       const TransactionId& transaction)
    : out_(out), transaction_(transaction) {
  if (out_.size() < stun_header_size) {
    fits_ = false;
    return;
  }
  store(out_, 0, type_of(message_class, method));
  store(out_, 2, std::uint16_t{0});
  store(out_, 4, stun_magic_cookie);
  std::copy(transaction.begin(), transaction.end(), out_.begin() + 8);
  size_ = stun_header_size;
}

std::span<std::uint8_t> StunWriter::add_space(StunAttribute type, std::size_t size) {
  const std::size_t room = std::min(out_.size(), largest_length + stun_header_size);
  if (!fits_ || size > 0xFFFF || room - size_ < 4 + padded4(size)) {
    fits_ = false;
    return {};
  }
  store(out_, size_, static_cast<std::uint16_t>(type));
  store(out_, size_ + 2, static_cast<std::uint16_t>(size));
  const auto value = out_.subspan(size_ + 4, size);
  std::fill_n(out_.begin() + static_cast<std::ptrdiff_t>(size_ + 4 + size), padded4(size) - size, padding_);
  size_ += 4 + padded4(size);
  store(out_, 2, static_cast<std::uint16_t>(size_ - stun_header_size));
  return value;
}

StunWriter& StunWriter::add(StunAttribute type, Bytes value) {
  const auto space = add_space(type, value.size());
  if (fits_) std::copy(value.begin(), value.end(), space.begin());
  return *this;
}

StunWriter& StunWriter::add_u32(StunAttribute type, std::uint32_t value) {
  std::array<std::uint8_t, 4> bytes{};
  store(bytes, 0, value);
  return add(type, bytes);
}

StunWriter& StunWriter::add_u64(StunAttribute type, std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes{};
  store(bytes, 0, value);
  return add(type, bytes);
}

StunWriter& StunWriter::add_address(StunAttribute type, const Endpoint& endpoint) {
  const auto value = is_xor_address(type) ? encode_xor_address(endpoint, transaction_) : encode_address(endpoint);
  return add(type, value.view());
}

StunWriter& StunWriter::add_error(unsigned code, std::string_view reason) {
  const auto space = add_space(StunAttribute::error_code, 4 + reason.size());
  if (!fits_) return *this;
  store(space, 0, std::uint32_t{(code / 100 & 7) << 8 | code % 100});
  std::copy(reason.begin(), reason.end(), space.begin() + 4);
  return *this;
}

StunWriter& StunWriter::add_address_error(const StunAddressError& error) {
  const auto space = add_space(StunAttribute::address_error_code, 4 + error.reason.size());
  if (!fits_) return *this;
  const std::uint32_t family = error.family == Family::v4 ? 1 : 2;
  store(space, 0, std::uint32_t{family << 24 | (error.code / 100 & 7) << 8 | error.code % 100});
  std::copy(error.reason.begin(), error.reason.end(), space.begin() + 4);
  return *this;
}

StunWriter& StunWriter::add_icmp(const StunIcmp& icmp) {
  const std::uint64_t both = (icmp.type & 0x7fu) << 9 | (icmp.code & 0x1ffu);
  return add_u64(StunAttribute::icmp, both << 32 | icmp.data);
}

StunWriter& StunWriter::add_channel(std::uint16_t channel) {
  return add_u32(StunAttribute::channel_number, std::uint32_t{channel} << 16);
}

StunWriter& StunWriter::add_response_port(std::uint16_t port) {
  std::array<std::uint8_t, 2> bytes{};
  store(bytes, 0, port);
  return add(StunAttribute::response_port, bytes);
}

StunWriter& StunWriter::add_family(StunAttribute type, Family family) {
  return add_u32(type, (family == Family::v4 ? 1u : 2u) << 24);
}

StunWriter& StunWriter::add_transport(std::uint8_t protocol) {
  return add_u32(StunAttribute::requested_transport, std::uint32_t{protocol} << 24);
}

StunWriter& StunWriter::add_even_port(bool reserve_next) {
  const std::array<std::uint8_t, 1> bytes{static_cast<std::uint8_t>(reserve_next ? 0x80 : 0)};
  return add(StunAttribute::even_port, bytes);
}

StunWriter& StunWriter::add_change_request(StunChangeRequest change) {
  return add_u32(StunAttribute::change_request, (change.address ? 4u : 0u) | (change.port ? 2u : 0u));
}

StunWriter& StunWriter::add_unknown_attributes(std::span<const StunAttribute> types) {
  const auto space = add_space(StunAttribute::unknown_attributes, 2 * types.size());
  if (!fits_) return *this;
  for (std::size_t i = 0; i < types.size(); ++i) store(space, 2 * i, static_cast<std::uint16_t>(types[i]));
  return *this;
}

StunWriter& StunWriter::add_password_algorithms(std::span<const PasswordAlgorithm> algorithms) {
  const auto space = add_space(StunAttribute::password_algorithms, 4 * algorithms.size());
  if (!fits_) return *this;
  for (std::size_t i = 0; i < algorithms.size(); ++i) {
    store(space, 4 * i, std::uint32_t{static_cast<std::uint16_t>(algorithms[i])} << 16);
  }
  return *this;
}

StunWriter& StunWriter::add_password_algorithm(PasswordAlgorithm algorithm) {
  return add_u32(StunAttribute::password_algorithm, std::uint32_t{static_cast<std::uint16_t>(algorithm)} << 16);
}

StunWriter& StunWriter::add_integrity(Bytes key) {
  const std::size_t covered = size_;
  const auto space = add_space(StunAttribute::message_integrity, 20);
  if (!fits_) return *this;
  const auto value = hmac(Hash::sha1, key, {Bytes(out_.first(covered))});
  std::copy_n(value.bytes.begin(), space.size(), space.begin());
  return *this;
}

StunWriter& StunWriter::add_integrity_sha256(Bytes key, std::size_t size) {
  const std::size_t covered = size_;
  const auto space = add_space(StunAttribute::message_integrity_sha256, std::min<std::size_t>(size, 32));
  if (!fits_) return *this;
  const auto value = hmac(Hash::sha256, key, {Bytes(out_.first(covered))});
  std::copy_n(value.bytes.begin(), space.size(), space.begin());
  return *this;
}

StunWriter& StunWriter::add_fingerprint() {
  const std::size_t covered = size_;
  const auto space = add_space(StunAttribute::fingerprint, 4);
  if (fits_) store(space, 0, crc32(out_.first(covered)) ^ stun_fingerprint_mask);
  return *this;
}

StunWriter& StunWriter::pad_with(std::uint8_t byte) {
  padding_ = byte;
  return *this;
}

}  // namespace crypelab::wire
