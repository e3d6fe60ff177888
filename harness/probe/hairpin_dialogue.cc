#include "harness/probe/hairpin_dialogue.h"

namespace crypelab::probe {
namespace {

enum : std::uint16_t { map = 0, across = 2, control = 3 };  // map + socket

}  // namespace

void HairpinDialogue::wake(Time now) {
  if (!mapped()) {
    for (std::uint16_t i = 0; i < 2; ++i) {
      if (!mapped_[i]) send(i, ask_.server, binding_request(transactions_.at(static_cast<std::uint16_t>(map + i))));
    }
    retry_.sent(now);
    return;
  }
  if (rounds_.due(now)) {
    rounds_.sent(now);
    send(0, *mapped_[1], binding_request(transactions_.at(across)));
    send(1, *mapped_[0], binding_request(transactions_.at(across)));
    send(1, ask_.server, binding_request(transactions_.at(control)));
  }
  if (rounds_.settled(now) && !found_.hairpin) found_.hairpin = false;
}

void HairpinDialogue::receive(unsigned socket, const Endpoint& from, wire::Bytes bytes, Time now) {
  if (mapped() && parse_binding_request(bytes) == transactions_.at(across)) {
    found_.hairpin = true;
    found_.seen = from;
    return;
  }
  const auto binding = parse_binding(bytes);
  const auto index = binding && from == ask_.server ? transactions_.index_of(binding->transaction) : std::nullopt;
  if (!index) return;
  if (*index == map + socket && !mapped_[socket]) {
    mapped_[socket] = binding->mapped;
    if (mapped()) wake(now);
  } else if (socket == 1 && *index == control) {
    rounds_.answered(now);
  }
}

}  // namespace crypelab::probe
