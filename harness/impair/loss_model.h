#pragma once

#include "harness/impair/impairment.h"

#include <cstdint>
#include <vector>

namespace crypelab::impair {

enum class Fate : std::uint8_t { kept, lost, listed };

// Decides which packets of one direction are lost. Pure but for the packet number, and for the state of a burst.
class LossModel {
 public:
  explicit LossModel(const Impairment& impairment);
  // The fate of the next packet; the first call is packet 1.
  Fate next();
  // The number of the packet that next() judged last.
  std::uint64_t number() const { return number_; }

 private:
  bool is_listed();
  bool is_lost();

  std::uint64_t seed_;
  RandomLoss loss_;
  std::vector<PacketRange> listed_;  // sorted by first, merged
  std::size_t range_ = 0;            // the first range that does not lie behind number_
  std::uint64_t number_ = 0;
  bool bad_ = false;
};

}  // namespace crypelab::impair
