#pragma once

#include "clients/reference/misbehaviour.h"
#include "clients/reference/random.h"
#include "clients/reference/time.h"
#include "harness/wire/stun_types.h"

#include <array>

namespace crypelab::client::ice {

// The peer's consent to be sent to (RFC 7675 §5.1): asked for every 4 to 6 s with a new transaction each, nothing
// repeated, over 30 s after the last valid answer. Begins with the check that selected the pair.
class Consent {
 public:
  static constexpr Duration life = 30s;
  static constexpr Duration suspicion = 11s;  // two requests without answer

  Consent(Random& random, Misbehaviour misbehaviour, Time now);

  // When the next request is due: write it with `ask`.
  Time due() const { return due_; }
  wire::TransactionId ask(Time now);
  // Whether this is the answer to one of the last eight requests; then consent is renewed.
  bool answered(const wire::TransactionId& transaction, Time now);
  // Over: nothing may be sent any more.
  bool lost(Time now) const { return now >= last_answer_ + life; }
  // Something is wrong with the path; not over yet.
  bool doubtful(Time now) const { return now >= last_answer_ + suspicion; }
  Time last_answer() const { return last_answer_; }

 private:
  Random& random_;
  Misbehaviour misbehaviour_;
  Time last_answer_;
  Time due_;
  std::array<wire::TransactionId, 8> asked_{};
  std::size_t count_ = 0;
};

}  // namespace crypelab::client::ice
