#pragma once

#include "harness/wire/bytes.h"

#include <algorithm>
#include <string>
#include <utility>

namespace crypelab::wire {

// Why reading stopped, shared by a reader and those nested in it.
struct PrefixStatus {
  bool starved = false;  // a valid beginning; the rest has not arrived
  std::string fault;     // what cannot be so, whatever follows
  bool stopped() const { return starved || !fault.empty(); }
};

// Reads a structure of known size of which only a beginning may have arrived, as TLS nests them (RFC 8446 §3). A length
// that points beyond the structure is a fault at its first byte that says so.
class PrefixReader {
 public:
  PrefixReader(Bytes arrived, std::size_t size, PrefixStatus& status)
      : arrived_(arrived.first(std::min(arrived.size(), size))), size_(size), status_(&status) {}

  bool at_end() const { return offset_ == size_; }
  std::size_t offset() const { return offset_; }
  std::size_t left() const { return size_ - offset_; }
  bool stopped() const { return status_->stopped(); }
  void fault(std::string what) {
    if (!stopped()) status_->fault = std::move(what);
  }

  // Passes over what was read before.
  void skip(std::size_t size) { offset_ += std::min(size, left()); }
  // An unsigned integer of `width` bytes; 0 when reading has stopped.
  std::size_t number(std::size_t width, const char* what);
  Bytes bytes(std::size_t size, const char* what);
  // A vector with its length in `width` bytes in front, of `least` to `most` bytes and a multiple of `unit`.
  PrefixReader vector(std::size_t width, std::size_t least, std::size_t most, std::size_t unit, const char* what);
  // Stops, starved, unless everything read so far has arrived, what was given to nested readers among it.
  void wait_for_all();

 private:
  std::size_t here() const { return arrived_.size() > offset_ ? arrived_.size() - offset_ : 0; }

  Bytes arrived_;
  std::size_t size_;
  std::size_t offset_ = 0;
  PrefixStatus* status_;
};

}  // namespace crypelab::wire
