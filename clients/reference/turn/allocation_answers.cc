// What the server's answers mean for an allocation (RFC 8656 §7.3, §7.4, §8.3, §10.3, §12.3).
#include "clients/reference/turn/allocation.h"

namespace crypelab::client::turn {

using wire::StunAttribute;
using Result = stun::Completion::Result;

namespace {

constexpr Duration longest_lifetime = 24h;  // §7.2 proposes an hour: what a server may say without overflowing a clock

// Whether this end of a request says that the server has no such allocation (any more), or will not serve it (§5).
bool ends_allocation(const stun::Completion& completion) {
  if (completion.result == Result::error) return completion.code == 437 || completion.code == 441;
  return completion.result == Result::credentials || completion.result == Result::bid_down ||
         completion.result == Result::integrity || completion.result == Result::transport_lost;
}

Duration lifetime_of(const wire::StunMessage& answer) {
  // §7.3: the server's value holds, whatever was asked for; 600 s is the default of §3.2.
  const Duration told = std::chrono::seconds(answer.number32(StunAttribute::lifetime).value_or(600));
  return std::min(told, longest_lifetime);
}

}  // namespace

void Allocation::complete(const stun::Completion& completion, Time now) {
  const auto found = purposes_.find(completion.id);
  if (found == purposes_.end()) return;
  const Purpose purpose = found->second;
  purposes_.erase(found);
  switch (purpose.kind) {
    case Purpose::Kind::allocate:
      return allocate_completed(completion, now);
    case Purpose::Kind::refresh:
      return refresh_completed(completion, now);
    case Purpose::Kind::remove:
      return remove_completed(completion, now);
    case Purpose::Kind::permission:
      return permission_completed(purpose.peer.address, completion, now);
    case Purpose::Kind::channel:
      return channel_completed(purpose.peer, completion, now);
  }
}

void Allocation::allocate_completed(const stun::Completion& completion, Time now) {
  const auto refuse = [&](Refusal refusal) {
    state_ = State::done;
    events_.push_back({close_wanted_ ? Event::Kind::closed : Event::Kind::refused, {}, std::move(refusal)});
  };
  if (completion.result != Result::success) return refuse(refusal_of(completion));
  const auto& answer = *completion.answer;
  for (const auto attribute : answer.attributes()) {
    if (attribute.type != StunAttribute::xor_relayed_address) continue;
    const auto address = wire::decode_xor_address(attribute.value, answer.transaction());
    if (!address) continue;
    auto& slot = address->address.is_v4() ? relayed_v4_ : relayed_v6_;
    if (!slot) slot = address;
  }
  mapped_ = answer.address(StunAttribute::xor_mapped_address);
  state_ = State::active;
  granted(lifetime_of(answer), now);
  const bool usable = settings_.families == AddressFamilies::v6   ? relayed_v6_.has_value()
                      : settings_.families == AddressFamilies::v4 ? relayed_v4_.has_value()
                                                                  : relayed_v4_ || relayed_v6_;
  if (!usable) {
    // §7.3: an address that cannot be used is given back, and not asked for again.
    remove(now);
    events_.push_back({Event::Kind::refused,
                       {},
                       {Refusal::Reason::malformed, 0, "no relayed address of the family that was asked for", {}}});
    return;
  }
  if (close_wanted_) return remove(now);
  events_.push_back({Event::Kind::allocated, {}, {}});
}

void Allocation::refresh_completed(const stun::Completion& completion, Time now) {
  refreshing_ = false;
  if (completion.result == Result::success) return granted(lifetime_of(*completion.answer), now);
  if (settings_.misbehaviour.breaks(Rule::u16) && completion.code == 437) return granted(lifetime_, now);
  if (ends_allocation(completion)) return lose(refusal_of(completion));
  // No answer, or none that decides: again while there is time.
  refresh_at_ = now + 1s;
}

void Allocation::remove_completed(const stun::Completion& completion, Time now) {
  if (settings_.misbehaviour.breaks(Rule::u15) && completion.code == 437 && ++remove_tries_ < 20) return remove(now);
  // §8.3: 437 is as good as a success. Nothing else could be done about another answer: the lifetime ends it.
  state_ = State::done;
  events_.push_back({Event::Kind::closed, {}, {}});
}

void Allocation::permission_completed(const Address& peer, const stun::Completion& completion, Time now) {
  auto* permission = peers_.permission(peer);
  const bool ignores_loss = settings_.misbehaviour.breaks(Rule::u16) && completion.code == 437;
  if (completion.result != Result::success && ends_allocation(completion) && !ignores_loss) {
    return lose(refusal_of(completion));
  }
  if (permission == nullptr) return;  // forgotten meanwhile
  permission->asking = false;
  if (completion.result == Result::success || ignores_loss) {
    if (!permission->granted) events_.push_back({Event::Kind::permitted, {peer, 0}, {}});
    permission->granted = true;
    permission->expires = now + Peers::permission_life;
    permission->renew = now + Peers::renewal;
    return;
  }
  if (permission->granted && now < permission->expires && completion.code != 403) {
    permission->renew = now + 1s;  // it holds a little longer: ask again
    return;
  }
  if (settings_.misbehaviour.breaks(Rule::u08) && completion.code == 403) return ask_permission(*permission, now);
  peers_.drop_permission(peer);
  events_.push_back({Event::Kind::permission_refused, {peer, 0}, refusal_of(completion)});
}

void Allocation::channel_completed(const Endpoint& peer, const stun::Completion& completion, Time now) {
  const bool ignores_loss = settings_.misbehaviour.breaks(Rule::u16) && completion.code == 437;
  if (completion.result != Result::success && ends_allocation(completion) && !ignores_loss) {
    return lose(refusal_of(completion));
  }
  auto* channel = peers_.channel(peer);
  if (channel == nullptr) return;
  channel->asking = false;
  if (completion.result == Result::success) {
    if (!channel->bound) events_.push_back({Event::Kind::channel_bound, peer, {}});
    channel->bound = true;
    channel->expires = now + Peers::channel_life;
    channel->renew = now + Peers::renewal;
    // §12.2: a channel installs or refreshes the permission, too.
    auto* permission = peers_.permission(peer.address);
    if (permission == nullptr) permission = peers_.add_permission(peer.address);
    if (permission != nullptr) {
      if (!permission->granted) events_.push_back({Event::Kind::permitted, {peer.address, 0}, {}});
      permission->granted = true;
      permission->expires = now + Peers::permission_life;
      permission->renew = now + Peers::renewal;
    }
    return;
  }
  if (completion.result == Result::error && completion.code == 400 && !settings_.misbehaviour.breaks(Rule::u26)) {
    // §12.3: both sides disagree about the bindings; delete and begin anew.
    remove(now);
    auto refusal = refusal_of(completion);
    refusal.reason = Refusal::Reason::out_of_step;
    events_.push_back({Event::Kind::lost, {}, std::move(refusal)});
    return;
  }
  if (channel->bound && now < channel->expires) {
    channel->renew = now + 1s;
    return;
  }
  channel->refused = true;
  events_.push_back({Event::Kind::channel_refused, peer, refusal_of(completion)});
}

}  // namespace crypelab::client::turn
