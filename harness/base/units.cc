#include "harness/base/units.h"

#include <array>
#include <optional>
#include <span>

namespace crypelab {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;  // in the smallest unit of the quantity
};

// Micro-units of the smallest unit would overflow for nothing: six decimals are kept, more are a complaint.
constexpr std::uint64_t kScale = 1'000'000;
__extension__ using Wide = unsigned __int128;

struct Decimal {
  std::uint64_t micro = 0;  // value * 1e6
  std::size_t length = 0;   // characters read
};

std::optional<Decimal> read_decimal(std::string_view text) {
  Decimal decimal;
  std::uint64_t whole = 0;
  std::size_t i = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
    whole = whole * 10 + static_cast<std::uint64_t>(text[i] - '0');
    if (whole > 1'000'000'000'000) return std::nullopt;
  }
  if (i == 0) return std::nullopt;
  std::uint64_t fraction = 0;
  if (i < text.size() && text[i] == '.') {
    std::uint64_t weight = kScale / 10;
    const std::size_t first = ++i;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
      if (weight == 0) return std::nullopt;
      fraction += weight * static_cast<std::uint64_t>(text[i] - '0');
      weight /= 10;
    }
    if (i == first) return std::nullopt;
  }
  decimal.micro = whole * kScale + fraction;
  decimal.length = i;
  return decimal;
}

// One or more "number unit" terms; `terms` says how many are allowed.
std::optional<std::uint64_t> read_quantity(std::string_view text, std::span<const Unit> units, int terms,
                                           std::uint64_t limit) {
  std::uint64_t total = 0;
  std::uint64_t last_factor = UINT64_MAX;
  for (int term = 0; !text.empty(); ++term) {
    if (term == terms) return std::nullopt;
    const auto number = read_decimal(text);
    if (!number) return std::nullopt;
    text.remove_prefix(number->length);
    std::size_t end = 0;
    while (end < text.size() && !(text[end] >= '0' && text[end] <= '9')) ++end;
    const auto name = text.substr(0, end);
    const Unit* unit = nullptr;
    for (const auto& candidate : units) {
      if (candidate.name == name) unit = &candidate;
    }
    if (unit == nullptr || unit->factor >= last_factor) return std::nullopt;
    last_factor = unit->factor;
    const auto value = static_cast<Wide>(number->micro) * unit->factor;
    if (value % kScale != 0) return std::nullopt;  // finer than can be held
    if (value / kScale > limit || total + static_cast<std::uint64_t>(value / kScale) > limit) return std::nullopt;
    total += static_cast<std::uint64_t>(value / kScale);
    text.remove_prefix(end);
  }
  return total;
}

Complaint wrong(std::string_view text, std::string_view quantity, std::string_view examples) {
  return Complaint{"'" + std::string(text) + "' is not a " + std::string(quantity) +
                   "; write a number with its unit, like " + std::string(examples)};
}

std::string with_fraction(std::uint64_t value, std::uint64_t factor, std::string_view unit) {
  std::string text = std::to_string(value / factor);
  if (value % factor != 0) {
    std::string fraction = std::to_string(factor + value % factor).substr(1);
    while (fraction.back() == '0') fraction.pop_back();
    text += "." + fraction;
  }
  return text + std::string(unit);
}

// The largest unit that prints the value without more than three decimals.
std::string print(std::uint64_t value, std::span<const Unit> largest_first) {
  for (const auto& unit : largest_first) {
    if (value >= unit.factor && value % (unit.factor < 1000 ? 1 : unit.factor / 1000) == 0) {
      return with_fraction(value, unit.factor, unit.name);
    }
  }
  return std::to_string(value) + std::string(largest_first.back().name);
}

constexpr std::array kDurations{Unit{"h", 3'600'000'000}, Unit{"min", 60'000'000}, Unit{"s", 1'000'000},
                                Unit{"ms", 1'000}, Unit{"us", 1}};
constexpr std::array kRates{Unit{"gbit", 1'000'000'000}, Unit{"mbit", 1'000'000}, Unit{"kbit", 1'000}, Unit{"bit", 1}};
constexpr std::array kBytes{Unit{"GiB", 1ull << 30},
                            Unit{"GB", 1'000'000'000},
                            Unit{"MiB", 1ull << 20},
                            Unit{"MB", 1'000'000},
                            Unit{"KiB", 1ull << 10},
                            Unit{"kB", 1'000},
                            Unit{"B", 1}};
constexpr std::array kDecimalBytes{Unit{"GB", 1'000'000'000}, Unit{"MB", 1'000'000}, Unit{"kB", 1'000}, Unit{"B", 1}};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const auto value = text.empty() ? std::nullopt : read_quantity(text, kDurations, 5, 30ull * 24 * 3'600'000'000);
  if (!value) return wrong(text, "duration", "250us, 20ms, 1.5s, 2min or 2h4min (at most 30 days)");
  return Duration(*value);
}

Result<BitRate> parse_bit_rate(std::string_view text) {
  const auto value = text.empty() ? std::nullopt : read_quantity(text, kRates, 1, 100'000'000'000);
  if (!value) return wrong(text, "rate", "800bit, 200kbit, 10mbit or 1.5gbit, per second (at most 100gbit)");
  return BitRate{*value};
}

Result<ByteCount> parse_byte_count(std::string_view text) {
  const auto value = text.empty() ? std::nullopt : read_quantity(text, kBytes, 1, 1ull << 40);
  if (!value) return wrong(text, "size", "512B, 16kB, 64KiB or 1MB (at most 1024GiB)");
  return ByteCount{*value};
}

Result<Ratio> parse_ratio(std::string_view text) {
  constexpr std::array percent{Unit{"%", 10'000}};
  const auto value = text.empty() ? std::nullopt : read_quantity(text, percent, 1, 1'000'000);
  if (!value) return wrong(text, "share", "0.1% or 25% (0% to 100%, four decimals)");
  return Ratio{static_cast<std::uint32_t>(*value)};
}

std::string to_string(Duration duration) { return print(static_cast<std::uint64_t>(duration.count()), kDurations); }
std::string to_string(BitRate rate) { return print(rate.bits_per_second, kRates); }
std::string to_string(ByteCount count) { return print(count.bytes, kDecimalBytes); }
std::string to_string(Ratio ratio) { return with_fraction(ratio.parts_per_million, 10'000, "%"); }

}  // namespace crypelab
