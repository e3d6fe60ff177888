#pragma once

#include "harness/wire/bytes.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

// What the two sides of a measurement say to each other, besides STUN, on the same ports: a header of 32 bytes, then
// padding up to the size that is wanted. Its first byte is neither that of STUN nor of DTLS, TURN channels or TLS.
namespace crypelab::probe {

enum class Kind : std::uint8_t {
  hello = 1,           // opens a session
  welcome = 2,         // `session`
  echo = 3,            // comes back at the same size as `echoed`
  echoed = 4,          // number: the echo's; parameter: the how manyth this way; microseconds: when the echo came in
  data = 5,            // is only counted
  report_request = 6,  // parameter: the first number to report on
  report = 7,          // followed by a Report
  source = 8,          // number: how many, parameter: bytes of payload each, microseconds: apart; answered by `data`
  big = 9,             // answered by `big_arrived`
  big_arrived = 10,    // number: the big one's
  want_big = 11,       // number, parameter: bytes of payload; answered by `big`
};

struct Packet {
  Kind kind = Kind::hello;
  std::uint64_t session = 0;
  std::uint32_t number = 0;
  std::uint32_t parameter = 0;
  std::uint64_t microseconds = 0;
  bool operator==(const Packet&) const = default;
};

inline constexpr std::size_t packet_header_size = 32;

std::vector<std::uint8_t> encode_packet(const Packet& packet, std::size_t size = packet_header_size);
std::optional<Packet> decode_packet(wire::Bytes bytes);

// How many arrivals one report can tell apart; further ones are asked for by `report_request`.
inline constexpr std::uint32_t numbers_per_report = 4096;
// Arrivals are counted by the 20 ms in which they came, for the first 1.28 s after the first.
inline constexpr std::size_t bin_count = 64;
inline constexpr std::uint32_t bin_microseconds = 20'000;

// What arrived, as seen by the far side. Numbers count from 1.
struct Report {
  std::uint32_t base = 1;      // number of the first bit in `seen`
  std::uint32_t received = 0;  // different numbers
  std::uint32_t duplicated = 0;
  std::uint32_t reordered = 0;
  std::uint32_t returned = 0;  // echoes sent back
  std::uint32_t too_big = 0;   // MTU of an ICMP "too big" about packets to this session, or 0
  std::uint64_t bytes = 0;     // of payload, duplicates included
  std::array<std::uint32_t, bin_count> bins{};
  std::vector<std::uint8_t> seen;  // numbers_per_report bits
  bool operator==(const Report&) const = default;
};

std::vector<std::uint8_t> encode_report(const Packet& packet, const Report& report);
std::optional<Report> decode_report(wire::Bytes bytes);  // the whole packet

}  // namespace crypelab::probe
