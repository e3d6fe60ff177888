#pragma once

#include "clients/reference/job/job.h"
#include "harness/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace crypelab::client::call {

// What arrived in a phase, as its receiver counted.
struct Report {
  std::uint64_t received = 0;
  std::uint64_t bytes = 0;
  std::uint64_t microseconds = 0;  // from the first to the last arrival
  std::uint64_t reordered = 0;
  std::uint64_t duplicated = 0;
  bool operator==(const Report&) const = default;
};

// One message on `crype-control` (clients/CONTRACT.md): JSON text.
struct Control {
  enum class Type {
    proof,   // `proof`: the first message of both sides
    begin,   // `phase` with `work` follows: the caller says so
    ready,   // the callee is
    end,     // `phase`: the sender has sent `sent` messages and sends no more
    report,  // `phase`: what the receiver of those got
    bye,     // the sender leaves; answered by `bye`
  };
  Type type = Type::bye;
  std::string proof;
  std::uint16_t phase = 0;
  job::Work work;
  std::uint64_t sent = 0;
  Report report;
};

inline constexpr std::size_t largest_control = 8'192;

// Members that are not known are ignored.
Result<Control> parse_control(std::string_view text);
std::string to_text(const Control& control);

}  // namespace crypelab::client::call
