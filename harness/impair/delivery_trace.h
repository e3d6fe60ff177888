#pragma once

#include "harness/base/result.h"
#include "harness/base/units.h"
#include "harness/impair/time.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace crypelab::impair {

// A packet-delivery trace as mahimahi's mm-link reads it: each line is a time in milliseconds at which the link can
// carry 1500 bytes of IP; equal times are several opportunities. An opportunity that finds nothing waiting is lost. A
// packet may take several, and several packets may share one. After its last line the trace starts again: the last time
// is the period.
class DeliveryTrace {
 public:
  static constexpr std::uint64_t kBytes = 1500;
  static constexpr std::size_t kMaxOpportunities = 1'000'000;
  static constexpr std::uint32_t kMaxMilliseconds = 24 * 3'600'000;

  // Takes times that do not decrease and end above zero, within the two limits; a complaint otherwise.
  static Result<DeliveryTrace> of(std::vector<std::uint32_t> milliseconds);

  // When opportunity `number` (from 0, over all repetitions) comes, counted from the start of the trace.
  Time time_of(std::uint64_t number) const;
  // The first opportunity at or after `time`, counted from the start of the trace.
  std::uint64_t first_at(Time time) const;
  BitRate average() const;

  const std::vector<std::uint32_t>& milliseconds() const { return milliseconds_; }
  bool operator==(const DeliveryTrace&) const = default;

 private:
  explicit DeliveryTrace(std::vector<std::uint32_t> milliseconds) : milliseconds_(std::move(milliseconds)) {}
  std::vector<std::uint32_t> milliseconds_;
};

// One decimal number a line; blanks around it, a final newline and CR LF are taken, anything else is a complaint that
// names the line.
Result<DeliveryTrace> parse_delivery_trace(std::string_view text);

}  // namespace crypelab::impair
