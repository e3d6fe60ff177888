#include "harness/probe/conversation.h"

#include "harness/probe/opening.h"
#include "harness/probe/token.h"

#include <algorithm>

namespace crypelab::probe {
namespace {

constexpr std::size_t kLargestStun = 2048;  // a Binding request with PADDING of one packet

}  // namespace

void Conversation::receive(wire::Bytes bytes, Time now) {
  switch (mode_) {
    case Mode::undecided:
    case Mode::stun:
      incoming_.insert(incoming_.end(), bytes.begin(), bytes.end());
      if (mode_ == Mode::undecided) decide(now);
      if (mode_ == Mode::stun) answer_stun();
      break;
    case Mode::echo:
      outgoing_.insert(outgoing_.end(), bytes.begin(), bytes.end());
      break;
    case Mode::sink:
      sink_.note_bytes(bytes.size(), now);
      break;
    case Mode::source:
    case Mode::over:
      break;
  }
}

void Conversation::decide(Time now) {
  if (!opened_) {
    const auto size = opening_size(incoming_);
    if (!size) return;
    opened_ = true;
    incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<std::ptrdiff_t>(*size));
  }
  if (incoming_.size() < 4) return;
  if ((incoming_[0] & 0xC0) == 0) {
    mode_ = Mode::stun;
    return;
  }
  if (incoming_.size() < packet_header_size && incoming_[0] == 'C') return;
  const auto packet = decode_packet(incoming_);
  const auto rest = wire::Bytes(incoming_).subspan(std::min(incoming_.size(), packet_header_size));
  if (packet && packet->kind == Kind::echo) {
    mode_ = Mode::echo;
    outgoing_.assign(rest.begin(), rest.end());
  } else if (packet && packet->kind == Kind::data) {
    mode_ = Mode::sink;
    if (!rest.empty()) sink_.note_bytes(rest.size(), now);
  } else if (packet && packet->kind == Kind::source) {
    mode_ = Mode::source;
    const auto wanted = std::min<std::uint64_t>(packet->microseconds, static_cast<std::uint64_t>(max_source.count()));
    source_ends_ = now + Duration(wanted);
    refill(now);
  } else {
    mode_ = Mode::over;
  }
  incoming_.clear();
}

void Conversation::answer_stun() {
  while (incoming_.size() >= wire::stun_header_size) {
    const std::size_t size = wire::stun_header_size + wire::load<std::uint16_t>(incoming_, 2);
    if (size > kLargestStun) break;
    if (incoming_.size() < size) return;
    const auto answer = answer_binding(sockets_, socket_, from_, wire::Bytes(incoming_).first(size), true);
    if (!answer || outgoing().size() + answer->bytes.size() > 2 * max_outgoing) break;
    tokens_.push_back(token_text(answer->token));
    outgoing_.insert(outgoing_.end(), answer->bytes.begin(), answer->bytes.end());
    incoming_.erase(incoming_.begin(), incoming_.begin() + static_cast<std::ptrdiff_t>(size));
  }
  if (incoming_.size() >= wire::stun_header_size) mode_ = Mode::over;
}

void Conversation::finished(Time /*now*/) {
  if (mode_ == Mode::sink) {
    const auto report = encode_report({.kind = Kind::report}, sink_.report(1));
    outgoing_.insert(outgoing_.end(), report.begin(), report.end());
  }
  if (mode_ != Mode::source) mode_ = Mode::over;
}

void Conversation::refill(Time now) {
  if (now >= source_ends_) {
    mode_ = Mode::over;
  } else if (outgoing_.size() < 64 << 10) {
    outgoing_.resize(64 << 10);
  }
}

void Conversation::sent(std::size_t bytes, Time now) {
  outgoing_at_ += bytes;
  if (outgoing_at_ == outgoing_.size()) {
    outgoing_at_ = 0;
    if (mode_ != Mode::source) outgoing_.clear();
  } else if (mode_ != Mode::source && outgoing_at_ > max_outgoing) {
    outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(outgoing_at_));
    outgoing_at_ = 0;
  }
  if (mode_ == Mode::source) {
    refill(now);
    if (mode_ == Mode::over) outgoing_.clear(), outgoing_at_ = 0;
  }
}

}  // namespace crypelab::probe
