#include "harness/probe/reach_dialogue.h"

namespace crypelab::probe {

void ReachDialogue::start(const std::vector<Endpoint>& locals, Time now) {
  found_.local = locals.front();
  wake(now);
}

void ReachDialogue::wake(Time now) {
  send(0, to_, binding_request(token_));
  retry_.sent(now);
}

void ReachDialogue::receive(unsigned /*socket*/, const Endpoint& from, wire::Bytes bytes, Time /*now*/) {
  const auto binding = parse_binding(bytes);
  if (!binding || binding->transaction != token_ || from != to_) return;
  found_.outcome = measure::Outcome::answered;
  found_.seen = binding->mapped;
  done_ = true;
}

void ReachDialogue::unreached(unsigned /*socket*/, const Unreached& error, Time /*now*/) {
  if (done_ || error.too_big) return;
  found_.outcome = error.outcome;
  found_.icmp_from = error.from;
  done_ = true;
}

}  // namespace crypelab::probe
