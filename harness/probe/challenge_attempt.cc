#include "harness/probe/challenge_attempt.h"

#include "harness/wire/http_auth.h"
#include "harness/wire/text.h"

#include <algorithm>

namespace crypelab::probe {

void ChallengeAttempt::start(Time /*now*/) { stream_.emplace(ask_.proxy, any_port(from_)); }

void ChallengeAttempt::wait_for(std::vector<pollfd>& descriptors) const {
  descriptors.push_back({stream_->socket().get(), stream_->events(), 0});
}

void ChallengeAttempt::ready(std::span<const pollfd> descriptors, Time /*now*/) {
  if (descriptors[0].revents == 0) return;
  stream_->ready(descriptors[0].revents);
  if (!stream_->stands() || done()) return;
  if (!asked_) {
    asked_ = true;
    wire::HttpRequestHead head{.method = "CONNECT", .target = ask_.target};
    head.fields.add("Host", ask_.target);
    const auto text = wire::to_text(head);
    stream_->write(wire::bytes_of(text));  // the first bytes of a connection always fit
  }
  static ReceiveBuffer buffer;  // one thread
  for (auto bytes = stream_->read(buffer); !bytes.empty(); bytes = stream_->read(buffer)) parser_.feed(bytes);
}

bool ChallengeAttempt::done() const {
  return stream_ && (stream_->ended() || parser_.state() != wire::HttpState::more);
}

measure::Finding ChallengeAttempt::finding() const {
  measure::Challenged found;
  if (!stream_) return found;
  found.outcome = stream_->outcome();
  if (parser_.state() != wire::HttpState::head) return found;
  found.outcome = measure::Outcome::answered;
  found.status = parser_.head().status;
  for (auto& challenge : wire::challenges_of(parser_.head().fields, "Proxy-Authenticate")) {
    std::ranges::transform(challenge.scheme, challenge.scheme.begin(), wire::lower);
    found.schemes.push_back(challenge.scheme);
  }
  return found;
}

}  // namespace crypelab::probe
