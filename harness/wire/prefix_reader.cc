#include "harness/wire/prefix_reader.h"

#include <fmt/format.h>

namespace crypelab::wire {

std::size_t PrefixReader::number(std::size_t width, const char* what) {
  if (stopped()) return 0;
  if (left() < width) {
    fault(fmt::format("no room for {}", what));
    return 0;
  }
  std::size_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    if (offset_ + i >= arrived_.size()) {
      status_->starved = true;
      return 0;
    }
    value = value << 8 | arrived_[offset_ + i];
  }
  offset_ += width;
  return value;
}

Bytes PrefixReader::bytes(std::size_t size, const char* what) {
  if (stopped()) return {};
  if (left() < size) {
    fault(fmt::format("no room for {}", what));
    return {};
  }
  if (here() < size) {
    status_->starved = true;
    return {};
  }
  const Bytes value = arrived_.subspan(offset_, size);
  offset_ += size;
  return value;
}

PrefixReader PrefixReader::vector(std::size_t width, std::size_t least, std::size_t most, std::size_t unit,
                                  const char* what) {
  const PrefixReader none({}, 0, *status_);
  if (stopped()) return none;
  // With some of the length's bytes missing it is at least this large.
  std::size_t smallest = 0;
  for (std::size_t i = 0; i < width; ++i) {
    smallest = smallest << 8 | (offset_ + i < arrived_.size() ? arrived_[offset_ + i] : 0);
  }
  const bool whole = here() >= width;
  if (left() < width || smallest > left() - width) {
    fault(fmt::format("{} reaches beyond what holds it", what));
    return none;
  }
  if (smallest > most || (whole && (smallest < least || smallest % unit != 0))) {
    fault(fmt::format("{} has an impossible length", what));
    return none;
  }
  if (!whole) {
    status_->starved = true;
    return none;
  }
  offset_ += width;
  const Bytes rest = arrived_.subspan(std::min(offset_, arrived_.size()));
  offset_ += smallest;
  return {rest, smallest, *status_};
}

void PrefixReader::wait_for_all() {
  if (!stopped() && arrived_.size() < offset_) status_->starved = true;
}

}  // namespace crypelab::wire
