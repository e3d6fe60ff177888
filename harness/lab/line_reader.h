#pragma once

#include "harness/base/descriptor.h"

#include <optional>
#include <string>

namespace crypelab::lab {

// The lines that come out of a pipe, without waiting. Bounded: of a line that is longer than the limit the rest is left
// out.
class LineReader {
 public:
  static constexpr std::size_t kLongest = 64 * 1024;

  LineReader() = default;
  explicit LineReader(Descriptor reading) : reading_(std::move(reading)) {}

  int descriptor() const { return reading_.get(); }
  // The next complete line without its end, or the last one when the pipe has ended.
  std::optional<std::string> next();
  bool ended() const { return ended_ && pending_.empty(); }

 private:
  Descriptor reading_;
  std::string pending_;
  bool skipping_ = false;  // the rest of a line that was too long
  bool ended_ = false;
};

}  // namespace crypelab::lab
