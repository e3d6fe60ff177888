#include "clients/reference/stun/redirections.h"

namespace crypelab::client::stun {
namespace {

constexpr std::size_t most = 64;

}  // namespace

void Redirections::asked(const Endpoint& server, Time now) {
  std::erase_if(asked_, [&](const auto& entry) { return now - entry.second >= memory; });
  asked_[server] = now;
}

bool Redirections::may_follow(const Redirect& redirect, Time now, const Misbehaviour& misbehaviour) const {
  if (misbehaviour.breaks(Rule::s15)) return true;
  std::size_t recent = 0;
  for (const auto& [server, when] : asked_) {
    if (now - when >= memory) continue;
    if (server == redirect.server || ++recent >= most) return false;
  }
  return true;
}

}  // namespace crypelab::client::stun
