#include "harness/impair/loss_model.h"

#include "harness/impair/random.h"

#include <algorithm>

namespace crypelab::impair {

LossModel::LossModel(const Impairment& impairment) : seed_(impairment.seed), loss_(impairment.loss) {
  auto ranges = impairment.lost_packets;
  std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& range : ranges) {
    if (!listed_.empty() && range.first <= listed_.back().last) {
      listed_.back().last = std::max(listed_.back().last, range.last);
    } else {
      listed_.push_back(range);
    }
  }
}

Fate LossModel::next() {
  ++number_;
  const bool lost = is_lost();  // first: a list must not move the state of the bursts
  if (is_listed()) return Fate::listed;
  return lost ? Fate::lost : Fate::kept;
}

bool LossModel::is_listed() {
  while (range_ < listed_.size() && listed_[range_].last < number_) ++range_;
  return range_ < listed_.size() && listed_[range_].first <= number_;
}

bool LossModel::is_lost() {
  if (const auto* independent = std::get_if<IndependentLoss>(&loss_)) {
    return falls_within(random_at(seed_, Purpose::loss, number_), independent->share);
  }
  if (const auto* burst = std::get_if<BurstLoss>(&loss_)) {
    const Ratio leave = bad_ ? burst->bad_to_good : burst->good_to_bad;
    if (falls_within(random_at(seed_, Purpose::burst, number_), leave)) bad_ = !bad_;
    return falls_within(random_at(seed_, Purpose::loss, number_), bad_ ? burst->loss_in_bad : burst->loss_in_good);
  }
  return false;
}

}  // namespace crypelab::impair
