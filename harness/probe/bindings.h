#pragma once

#include "harness/probe/dialogue.h"
#include "harness/wire/stun.h"

#include <optional>
#include <vector>

namespace crypelab::probe {

std::vector<std::uint8_t> binding_request(const wire::TransactionId& transaction, wire::StunChangeRequest change = {},
                                          std::uint16_t response_port = 0);

struct Binding {
  wire::TransactionId transaction{};
  Endpoint mapped;
};
// A success response that says how the server saw us.
std::optional<Binding> parse_binding(wire::Bytes bytes);
// The transaction of a Binding request, for what comes back to ourselves.
std::optional<wire::TransactionId> parse_binding_request(wire::Bytes bytes);

// Transactions that belong together: they differ in their last two bytes, which are an index.
class Transactions {
 public:
  explicit Transactions(std::uint64_t seed);
  wire::TransactionId at(std::uint16_t index) const;
  std::optional<std::uint16_t> index_of(const wire::TransactionId& transaction) const;

 private:
  wire::TransactionId base_{};
};

// When to send something again: at once, then after the first interval, and each time after twice as long.
class Retry {
 public:
  explicit Retry(Duration first = std::chrono::milliseconds(100)) : interval_(first) {}
  bool due(Time now) const { return now >= at_; }
  void sent(Time now) {
    at_ = now + interval_;
    interval_ *= 2;
  }
  Time at() const { return at_; }

 private:
  Duration interval_;
  Time at_{0};
};

// How long to wait for a packet that should have been here before one that has taken `rtt`.
Duration settle(Duration rtt);

}  // namespace crypelab::probe
