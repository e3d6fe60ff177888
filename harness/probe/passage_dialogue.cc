#include "harness/probe/passage_dialogue.h"

#include <algorithm>

namespace crypelab::probe {

std::uint32_t passage_size(const measure::Passage& ask) {
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(ask.bytes.bytes / 80, packet_header_size, 1200));
}

PassageDialogue::PassageDialogue(const measure::Passage& ask) : ask_(ask), size_(passage_size(ask)) {}

void PassageDialogue::start(const std::vector<Endpoint>& /*locals*/, Time now) {
  begin_ = last_ = now;
  wake(now);
}

void PassageDialogue::wake(Time now) {
  if (now - begin_ > ask_.time && found_.outcome == measure::Outcome::answered) {
    done_ = true;
  } else if (now - last_ > ask_.patience) {
    found_.ended = found_.outcome == measure::Outcome::answered;
    done_ = true;
  } else if (sent_ < max_number) {
    send(0, ask_.to, encode_packet({.kind = Kind::echo, .number = ++sent_}, size_));
  }
  next_ = now + std::max<Duration>(ask_.interval, std::chrono::milliseconds(1));
}

void PassageDialogue::receive(unsigned /*socket*/, const Endpoint& from, wire::Bytes bytes, Time now) {
  const auto packet = decode_packet(bytes);
  if (!packet || packet->kind != Kind::echoed || from != ask_.to || packet->number > sent_ || done_) return;
  if (back_.has(packet->number)) return;
  back_.note(packet->number, bytes.size(), now);
  last_ = now;
  found_.outcome = measure::Outcome::answered;
  found_.time = now - begin_;
  found_.bytes.bytes += 2 * (bytes.size() + (ask_.to.address.is_v4() ? 28 : 48));
  if (found_.bytes >= ask_.bytes) done_ = true;
}

void PassageDialogue::unreached(unsigned /*socket*/, const Unreached& error, Time /*now*/) {
  if (error.too_big || found_.outcome == measure::Outcome::answered) return;
  found_.outcome = error.outcome;
  done_ = true;
}

}  // namespace crypelab::probe
