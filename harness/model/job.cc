#include "harness/model/job.h"

namespace crypelab::model {

Duration length_of(const Phase& phase) {
  if (const auto* echo = std::get_if<Echo>(&phase)) return echo->interval * echo->count;
  if (const auto* hold = std::get_if<Hold>(&phase)) return hold->time;
  const auto& throughput = std::get<Throughput>(phase);
  return throughput.direction == Flow::both ? throughput.time * 2 : throughput.time;
}

}  // namespace crypelab::model
