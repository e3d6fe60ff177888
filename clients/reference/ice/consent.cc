#include "clients/reference/ice/consent.h"

#include <algorithm>

namespace crypelab::client::ice {
namespace {

constexpr std::uint64_t shortest_us = 4'000'000;  // 0.8 to 1.2 of five seconds
constexpr std::uint64_t spread_us = 2'000'000;

}  // namespace

Consent::Consent(Random& random, Misbehaviour misbehaviour, Time now)
    : random_(random), misbehaviour_(misbehaviour), last_answer_(now) {
  due_ = now + Duration(shortest_us + random_.below(spread_us));
}

wire::TransactionId Consent::ask(Time now) {
  const bool bad = misbehaviour_.breaks(Rule::i24);
  due_ = now + (bad ? Duration(20s) : Duration(shortest_us + random_.below(spread_us)));
  auto& slot = asked_[bad ? 0 : count_ % asked_.size()];
  if (!bad || count_ == 0) slot = random_.bytes<12>();
  ++count_;
  return slot;
}

bool Consent::answered(const wire::TransactionId& transaction, Time now) {
  const auto known = asked_.begin() + static_cast<std::ptrdiff_t>(std::min(count_, asked_.size()));
  if (std::find(asked_.begin(), known, transaction) == known) return false;
  last_answer_ = now;
  return true;
}

}  // namespace crypelab::client::ice
