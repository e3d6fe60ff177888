#include "clients/reference/stun/server_binding.h"

namespace crypelab::client::stun {

ServerBinding::ServerBinding(Settings settings, Random& random, Output& out, Time now)
    : settings_(settings),
      requester_({.timing = settings.timing, .misbehaviour = settings.misbehaviour}, std::nullopt, random, out) {
  requester_.start(
      wire::StunMethod::binding, [](wire::StunWriter&) {}, now);
}

bool ServerBinding::receive(const wire::StunMessage& answer, Time now) {
  auto completion = requester_.receive(answer, now);
  if (!completion) return false;
  take(std::move(*completion), now);
  return true;
}

void ServerBinding::take(Completion completion, Time now) {
  asking_ = false;
  renew_ = now + settings_.keepalive;
  const auto address = completion.answer ? completion.answer->address(wire::StunAttribute::xor_mapped_address)
                                         : std::optional<Endpoint>();
  if (completion.result == Completion::Result::success && address) {
    mapped_ = address;
    return;
  }
  if (mapped_) return;  // a keepalive that was not answered changes nothing
  if (completion.result == Completion::Result::success) {
    completion.result = Completion::Result::malformed;
    completion.reason = "a Binding success without XOR-MAPPED-ADDRESS";
  }
  completion.answer.reset();  // its bytes are the caller's
  failure_ = std::move(completion);
}

void ServerBinding::wake(Time now) {
  while (auto completion = requester_.wake(now)) take(std::move(*completion), now);
  if (mapped_ && !asking_ && !concluded_ && now >= renew_ && !settings_.misbehaviour.breaks(Rule::i04)) {
    asking_ = true;
    requester_.start(
        wire::StunMethod::binding, [](wire::StunWriter&) {}, now);
  }
}

std::optional<Time> ServerBinding::next() const {
  const bool renews = mapped_ && !asking_ && !concluded_ && !settings_.misbehaviour.breaks(Rule::i04);
  return earlier(requester_.next(), renews ? std::optional(renew_) : std::nullopt);
}

}  // namespace crypelab::client::stun
