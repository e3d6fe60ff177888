#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace crypelab::client {

// Where transaction ids, passwords and tiebreakers come from: the machine's generator, or a seed in a simulation.
class Random {
 public:
  Random() = default;
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;

  std::uint64_t number();
  // From 0 to below `limit`, which is not 0; the bias is below limit / 2^64.
  std::uint64_t below(std::uint64_t limit) { return number() % limit; }
  template <std::size_t size>
  std::array<std::uint8_t, size> bytes() {
    std::array<std::uint8_t, size> out{};
    fill(out);
    return out;
  }
};

// Unguessable (RFC 8489 §5, RFC 8445 §5.3). Throws Failure when the machine has no randomness.
class SecureRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace crypelab::client
