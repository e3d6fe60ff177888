#pragma once

#include "harness/base/result.h"

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace crypelab {

// Time in the lab, microsecond resolution.
using Duration = std::chrono::microseconds;

// Bits per second.
struct BitRate {
  std::uint64_t bits_per_second = 0;
  auto operator<=>(const BitRate&) const = default;
};

// Bytes.
struct ByteCount {
  std::uint64_t bytes = 0;
  auto operator<=>(const ByteCount&) const = default;
};

// A share between 0 and 1, held in parts per million so that it compares and prints exactly.
struct Ratio {
  std::uint32_t parts_per_million = 0;
  auto operator<=>(const Ratio&) const = default;
};

// "20ms", "1.5s", "250us", "2min", "2h4min": a unit is required. At most 30 days.
Result<Duration> parse_duration(std::string_view text);
// "10mbit", "1.5gbit", "200kbit", "800bit": decimal, per second. At most 100 Gbit/s.
Result<BitRate> parse_bit_rate(std::string_view text);
// "16kB", "1MB" (decimal), "64KiB", "1MiB" (binary), "512B". At most 1 TiB.
Result<ByteCount> parse_byte_count(std::string_view text);
// "0.1%", "25%": a percent sign is required.
Result<Ratio> parse_ratio(std::string_view text);

// The shortest text that parses back to the same value.
std::string to_string(Duration duration);
std::string to_string(BitRate rate);
std::string to_string(ByteCount count);
std::string to_string(Ratio ratio);

}  // namespace crypelab
