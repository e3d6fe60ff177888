#include "harness/probe/bindings.h"

#include <algorithm>
#include <array>
#include <random>

namespace crypelab::probe {

std::vector<std::uint8_t> binding_request(const wire::TransactionId& transaction, wire::StunChangeRequest change,
                                          std::uint16_t response_port) {
  std::array<std::uint8_t, 64> buffer{};
  wire::StunWriter writer(buffer, wire::StunClass::request, wire::StunMethod::binding, transaction);
  if (change.address || change.port) writer.add_change_request(change);
  if (response_port != 0) writer.add_response_port(response_port);
  const auto bytes = writer.bytes();
  return {bytes.begin(), bytes.end()};
}

std::optional<Binding> parse_binding(wire::Bytes bytes) {
  const auto message = wire::StunMessage::parse(bytes);
  if (!message || !message->is(wire::StunMethod::binding, wire::StunClass::success)) return std::nullopt;
  auto mapped = message->address(wire::StunAttribute::xor_mapped_address);
  if (!mapped) mapped = message->address(wire::StunAttribute::mapped_address);
  if (!mapped) return std::nullopt;
  return Binding{message->transaction(), *mapped};
}

std::optional<wire::TransactionId> parse_binding_request(wire::Bytes bytes) {
  const auto message = wire::StunMessage::parse(bytes);
  if (!message || !message->is(wire::StunMethod::binding, wire::StunClass::request)) return std::nullopt;
  return message->transaction();
}

Transactions::Transactions(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::ranges::generate(base_, [&] { return static_cast<std::uint8_t>(random()); });
}

wire::TransactionId Transactions::at(std::uint16_t index) const {
  auto transaction = base_;
  wire::store(transaction, 10, index);
  return transaction;
}

std::optional<std::uint16_t> Transactions::index_of(const wire::TransactionId& transaction) const {
  if (!std::equal(base_.begin(), base_.begin() + 10, transaction.begin())) return std::nullopt;
  return wire::load<std::uint16_t>(transaction, 10);
}

Duration settle(Duration rtt) {
  return std::clamp<Duration>(rtt / 2, std::chrono::milliseconds(5), std::chrono::milliseconds(200));
}

}  // namespace crypelab::probe
