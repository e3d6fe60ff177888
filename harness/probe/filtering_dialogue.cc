#include "harness/probe/filtering_dialogue.h"

namespace crypelab::probe {
namespace {

enum : std::uint16_t { change_both = 0, change_port = 1, plain = 2, kinds = 3 };

}  // namespace

unsigned Rounds::sent(Time now) {
  if (sent_ == 0) begin_ = now;
  ++sent_;
  if (sent_ < count) {
    next_ = now + std::chrono::milliseconds(5);
  } else {
    next_ = now + again_;
    again_ *= 2;
  }
  return sent_ - 1;
}

void Rounds::answered(Time now) {
  answered_ = true;
  ++controls_;
  settled_ = now + settle(now - begin_);
  // The last of the three may have been lost: then the second one is waited for a little longer.
  if (controls_ < count && sent_ >= count) {
    settled_ += std::chrono::milliseconds(20);
    controls_ = count;
  }
}

std::optional<Time> Rounds::next() const {
  if (sent_ < count || !answered_) return next_;
  return settled_;
}

void FilteringDialogue::wake(Time now) {
  if (rounds_.due(now)) {
    const auto round = static_cast<std::uint16_t>(rounds_.sent(now) * kinds);
    send(0, ask_.server,
         binding_request(transactions_.at(static_cast<std::uint16_t>(round + change_both)), {true, true}));
    send(0, ask_.server,
         binding_request(transactions_.at(static_cast<std::uint16_t>(round + change_port)), {false, true}));
    send(0, ask_.server, binding_request(transactions_.at(static_cast<std::uint16_t>(round + plain))));
  }
  if (rounds_.settled(now)) done_ = true;
}

void FilteringDialogue::receive(unsigned /*socket*/, const Endpoint& from, wire::Bytes bytes, Time now) {
  const auto binding = parse_binding(bytes);
  const auto index = binding ? transactions_.index_of(binding->transaction) : std::nullopt;
  if (!index) return;
  const auto kind = *index % kinds;
  if (kind == change_both && from.address != ask_.server.address && from.port != ask_.server.port) {
    from_other_ = true;
    done_ = true;  // it cannot let in more
  } else if (kind == change_port && from.address == ask_.server.address && from.port != ask_.server.port) {
    from_other_port_ = true;
  } else if (kind == plain && from == ask_.server) {
    rounds_.answered(now);
  }
}

measure::Finding FilteringDialogue::finding() const {
  measure::Filtered found;
  found.answered = rounds_.any() || from_other_;
  if (from_other_) {
    found.filtering = measure::Dependence::endpoint_independent;
  } else if (from_other_port_) {
    found.filtering = measure::Dependence::address;
  } else if (done_) {
    found.filtering = measure::Dependence::address_and_port;
  }
  return found;
}

}  // namespace crypelab::probe
