#include "harness/impair/delivery_trace.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace crypelab::impair {
namespace {

constexpr Time kMillisecond{1'000'000};

Complaint wrong(std::size_t line, const std::string& text) {
  return Complaint{"line " + std::to_string(line) + ": " + text};
}

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  return line;
}

// Hostile text is quoted short and printable.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 20)) out += (c >= 0x20 && c < 0x7f) ? c : '?';
  return out + (text.size() > 20 ? "...'" : "'");
}

}  // namespace

Result<DeliveryTrace> DeliveryTrace::of(std::vector<std::uint32_t> milliseconds) {
  if (milliseconds.empty()) return Complaint{"a trace needs at least one delivery time"};
  if (milliseconds.size() > kMaxOpportunities) return Complaint{"a trace holds at most 1000000 delivery times"};
  if (!std::is_sorted(milliseconds.begin(), milliseconds.end())) return Complaint{"delivery times must not decrease"};
  if (milliseconds.back() == 0) return Complaint{"the last delivery time is the period and must be above 0 ms"};
  if (milliseconds.back() > kMaxMilliseconds) return Complaint{"a trace lasts at most 24 hours"};
  return DeliveryTrace(std::move(milliseconds));
}

Time DeliveryTrace::time_of(std::uint64_t number) const {
  const std::uint64_t loop = number / milliseconds_.size();
  const std::uint64_t ms = loop * milliseconds_.back() + milliseconds_[number % milliseconds_.size()];
  return kMillisecond * static_cast<std::int64_t>(ms);
}

std::uint64_t DeliveryTrace::first_at(Time time) const {
  if (time <= Time::zero()) return 0;
  const auto ms = static_cast<std::uint64_t>((time + kMillisecond - Time(1)) / kMillisecond);
  const std::uint64_t period = milliseconds_.back();
  const std::uint64_t loop = (ms - 1) / period;  // so that what is left lies in 1..period and is always found
  const auto found = std::lower_bound(milliseconds_.begin(), milliseconds_.end(), ms - loop * period);
  return loop * milliseconds_.size() + static_cast<std::uint64_t>(found - milliseconds_.begin());
}

BitRate DeliveryTrace::average() const {
  return BitRate{milliseconds_.size() * kBytes * 8 * 1000 / milliseconds_.back()};
}

Result<DeliveryTrace> parse_delivery_trace(std::string_view text) {
  std::vector<std::uint32_t> times;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const auto end = text.find('\n');
    const auto word = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    std::uint32_t value = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (word.empty() || error == std::errc::invalid_argument || stop != word.data() + word.size()) {
      return wrong(line, quoted(word) + " is not a time in whole milliseconds");
    }
    if (error != std::errc() || value > DeliveryTrace::kMaxMilliseconds) {
      return wrong(line, quoted(word) + " is beyond the 24 hours that a trace may last");
    }
    if (!times.empty() && value < times.back()) {
      return wrong(line, std::to_string(value) + " is earlier than the " + std::to_string(times.back()) + " before it");
    }
    if (times.size() == DeliveryTrace::kMaxOpportunities) return wrong(line, "a trace has at most 1000000 lines");
    times.push_back(value);
  }
  return DeliveryTrace::of(std::move(times));
}

}  // namespace crypelab::impair
