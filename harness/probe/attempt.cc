#include "harness/probe/attempt.h"

#include "harness/probe/challenge_attempt.h"
#include "harness/probe/filtering_dialogue.h"
#include "harness/probe/hairpin_dialogue.h"
#include "harness/probe/lifetime_dialogue.h"
#include "harness/probe/mapping_dialogue.h"
#include "harness/probe/passage_dialogue.h"
#include "harness/probe/path_mtu_dialogue.h"
#include "harness/probe/rate_dialogue.h"
#include "harness/probe/reach_dialogue.h"
#include "harness/probe/resolve_dialogue.h"
#include "harness/probe/resolver_of_machine.h"
#include "harness/probe/stream_attempt.h"
#include "harness/probe/token.h"
#include "harness/probe/train_dialogue.h"

namespace crypelab::probe {
namespace {

constexpr int kDatagrams = 256;  // of one socket in one go: the others have a right to be heard

ReceiveBuffer& receive_buffer() {
  static ReceiveBuffer buffer;  // one thread
  return buffer;
}

struct Make {
  const measure::Question& question;
  std::uint64_t seed;

  template <class Dialogue, class... Rest>
  std::unique_ptr<Attempt> udp(Rest&&... rest) const {
    return std::make_unique<UdpAttempt>(std::make_unique<Dialogue>(std::forward<Rest>(rest)...), question.from);
  }

  std::unique_ptr<Attempt> operator()(const measure::Reach& ask) const {
    const auto token = parse_token(ask.token).value_or(Transactions(seed).at(0));
    if (ask.transport == measure::Transport::tcp) return std::make_unique<StreamReach>(ask, token, question.from);
    return udp<ReachDialogue>(ask, token);
  }
  std::unique_ptr<Attempt> operator()(const measure::Passage& ask) const {
    if (ask.transport == measure::Transport::tcp) return std::make_unique<StreamPassage>(ask, question.from);
    return udp<PassageDialogue>(ask);
  }
  std::unique_ptr<Attempt> operator()(const measure::Mapping& ask) const {
    if (ask.transport == measure::Transport::tcp) return std::make_unique<StreamMapping>(ask, seed, question.from);
    return udp<MappingDialogue>(ask, seed);
  }
  std::unique_ptr<Attempt> operator()(const measure::Rate& ask) const {
    if (ask.transport == measure::Transport::tcp) return std::make_unique<StreamRate>(ask, question.from);
    return udp<RateDialogue>(ask);
  }
  std::unique_ptr<Attempt> operator()(const measure::Filtering& ask) const { return udp<FilteringDialogue>(ask, seed); }
  std::unique_ptr<Attempt> operator()(const measure::Hairpin& ask) const { return udp<HairpinDialogue>(ask, seed); }
  std::unique_ptr<Attempt> operator()(const measure::Lifetime& ask) const { return udp<LifetimeDialogue>(ask, seed); }
  std::unique_ptr<Attempt> operator()(const measure::Train& ask) const { return udp<TrainDialogue>(ask); }
  std::unique_ptr<Attempt> operator()(const measure::PathMtu& ask) const { return udp<PathMtuDialogue>(ask); }
  std::unique_ptr<Attempt> operator()(const measure::Challenge& ask) const {
    return std::make_unique<ChallengeAttempt>(ask, question.from);
  }
  std::unique_ptr<Attempt> operator()(const measure::Resolve& ask) const {
    return udp<ResolveDialogue>(ask, ask.server ? *ask.server : resolver_of_machine(), seed);
  }
};

}  // namespace

void UdpAttempt::start(Time now) {
  const auto target = dialogue_->target();
  const auto source = from_ ? from_ : source_towards(target);
  std::vector<Endpoint> locals;
  if (source && source->family() == target.address.family()) {
    for (unsigned i = 0; i < dialogue_->sockets(); ++i) {
      sockets_.push_back(open_udp({*source, 0}));
      locals.push_back(local_endpoint(sockets_.back()));
    }
    dialogue_->start(locals, now);
    flush(now);
  } else {
    dialogue_->unreached(0, {.outcome = measure::Outcome::no_route, .to = target}, now);
    no_route_ = true;
  }
}

void UdpAttempt::flush(Time now) {
  for (int round = 0; round < 4; ++round) {
    const auto outgoing = dialogue_->take();
    if (outgoing.empty()) return;
    for (const auto& one : outgoing) {
      if (const auto error = send_datagram(sockets_.at(one.socket), one)) dialogue_->unreached(one.socket, *error, now);
    }
  }
}

void UdpAttempt::wait_for(std::vector<pollfd>& descriptors) const {
  for (const auto& socket : sockets_) descriptors.push_back({socket.get(), POLLIN, 0});
}

void UdpAttempt::ready(std::span<const pollfd> descriptors, Time now) {
  for (unsigned i = 0; i < descriptors.size(); ++i) {
    if (descriptors[i].revents == 0) continue;
    for (int n = 0; n < kDatagrams && !dialogue_->done(); ++n) {
      const auto incoming = receive_datagram(sockets_[i], receive_buffer());
      if (!incoming) break;
      dialogue_->receive(i, incoming->from, incoming->bytes, now);
    }
    if ((descriptors[i].revents & POLLERR) == 0) continue;
    for (const auto& error : read_errors(sockets_[i])) {
      if (!dialogue_->done()) dialogue_->unreached(i, error, now);
    }
  }
  flush(now);
}

void UdpAttempt::wake(Time now) {
  dialogue_->wake(now);
  flush(now);
}

std::unique_ptr<Attempt> make_attempt(const measure::Question& question, std::uint64_t seed) {
  return std::visit(Make{question, seed}, question.ask);
}

}  // namespace crypelab::probe
