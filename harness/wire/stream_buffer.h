#pragma once

#include "harness/wire/bytes.h"

#include <vector>

namespace crypelab::wire {

// Bytes of a stream that have arrived and are not yet used up. Holds what the owner leaves in it and one `append` more.
class StreamBuffer {
 public:
  // Views from before are no longer valid.
  void append(Bytes arrived) {
    if (begin_ != 0) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
      begin_ = 0;
    }
    bytes_.insert(bytes_.end(), arrived.begin(), arrived.end());
  }
  Bytes view() const { return Bytes(bytes_).subspan(begin_); }
  void consume(std::size_t size) { begin_ += size; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t begin_ = 0;
};

}  // namespace crypelab::wire
