#include "harness/base/md4.h"

#include <bit>
#include <string>

namespace crypelab {
namespace {

using Block = std::array<std::uint32_t, 16>;
using State = std::array<std::uint32_t, 4>;

// RFC 1320 section 3.4: for each round its function, its constant, its order of words and its rotations.
struct Round {
  std::uint32_t (*mix)(std::uint32_t x, std::uint32_t y, std::uint32_t z);
  std::uint32_t added;
  std::array<std::uint8_t, 16> words;
  std::array<std::uint8_t, 4> turns;
};

constexpr std::array<Round, 3> kRounds{{
    {[](std::uint32_t x, std::uint32_t y, std::uint32_t z) { return (x & y) | (~x & z); },
     0,
     {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
     {3, 7, 11, 19}},
    {[](std::uint32_t x, std::uint32_t y, std::uint32_t z) { return (x & y) | (x & z) | (y & z); },
     0x5a827999,
     {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15},
     {3, 5, 9, 13}},
    {[](std::uint32_t x, std::uint32_t y, std::uint32_t z) { return x ^ y ^ z; },
     0x6ed9eba1,
     {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15},
     {3, 9, 11, 15}},
}};

void absorb(State& state, const Block& block) {
  auto [a, b, c, d] = state;
  for (const auto& round : kRounds) {
    for (std::size_t i = 0; i < 16; ++i) {
      const auto sum = a + round.mix(b, c, d) + block.at(round.words.at(i)) + round.added;
      a = d;
      d = c;
      c = b;
      b = std::rotl(sum, round.turns.at(i % 4));
    }
  }
  state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d};
}

}  // namespace

std::array<std::uint8_t, 16> md4(std::string_view bytes) {
  // Section 3.1 and 3.2: a one, zeros, and the length in bits.
  std::string padded(bytes);
  padded += '\x80';
  padded.resize((padded.size() + 8 + 63) / 64 * 64 - 8, '\0');
  for (unsigned i = 0; i < 8; ++i) padded += static_cast<char>(std::uint64_t{bytes.size()} * 8 >> (8 * i));

  State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  for (std::size_t at = 0; at < padded.size(); at += 64) {
    Block block{};
    for (std::size_t i = 0; i < 64; ++i) {
      block.at(i / 4) |= std::uint32_t{static_cast<std::uint8_t>(padded[at + i])} << (8 * (i % 4));
    }
    absorb(state, block);
  }
  std::array<std::uint8_t, 16> out{};
  for (std::size_t i = 0; i < 16; ++i) out.at(i) = static_cast<std::uint8_t>(state.at(i / 4) >> (8 * (i % 4)));
  return out;
}

}  // namespace crypelab
