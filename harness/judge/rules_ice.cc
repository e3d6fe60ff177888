#include "harness/judge/requirements.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

namespace crypelab::judge {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::StunClass;
using wire::StunMethod;

constexpr Moment kConsent = seconds(31);      // 30 s, and what a busy machine adds
constexpr Moment kConsentPause = seconds(9);  // five seconds, varied by a fifth, and one more that was lost
constexpr std::size_t kMostAtOnce = 6;  // new checks in 100 ms: two at 50 ms each, for as many as three components
constexpr Moment kWindow = milliseconds(100);

using Pair = std::pair<const Flow*, Endpoint>;  // through a relay one flow is many pairs

void look_at_checks(const Flow& flow, std::vector<Moment>& begun, std::set<wire::TransactionId>& seen,
                    Breaches& breaches) {
  for (const auto& note : flow.stun) {
    if (!note.outgoing || !note.check()) continue;
    if (!note.priority || !note.role) breaches.add("I-08", note.at, "a check without PRIORITY or role");
    if (!note.fingerprint) breaches.add("I-10", note.at, "a check without FINGERPRINT");
    if (seen.insert(note.transaction).second) begun.push_back(note.at);
  }
}

void look_at_nominations(const Flow& flow, std::map<std::string, std::set<Pair>>& nominated, Breaches& breaches) {
  std::map<wire::TransactionId, std::pair<std::string, Pair>> asked;
  for (const auto& note : flow.stun) {
    if (note.outgoing && note.check() && note.use_candidate)
      asked[note.transaction] = {note.username, {&flow, note.peer.value_or(flow.far)}};
    if (note.outgoing || !note.is(StunMethod::binding, StunClass::success)) continue;
    const auto found = asked.find(note.transaction);
    if (found == asked.end()) continue;
    auto& pairs = nominated[found->second.first];  // a restart has another user name
    pairs.insert(found->second.second);
    if (pairs.size() > 1) breaches.add("I-15", note.at, fmt::format("{} pairs nominated", pairs.size()));
  }
}

void look_at_consent(const ClientView& view, Breaches& breaches) {
  if (view.path == nullptr || view.path->flow->stun.empty()) return;  // hidden in TLS
  const auto& flow = *view.path->flow;
  std::optional<Moment> answered;
  std::optional<Moment> asked;
  std::map<wire::TransactionId, Moment> first;
  auto note = flow.stun.begin();
  for (const auto& data : flow.data) {
    for (; note != flow.stun.end() && note->at <= data.at; ++note) {
      if (!note->outgoing && note->is(StunMethod::binding, StunClass::success)) answered = note->at;
      if (!note->outgoing || !note->check()) continue;
      const auto [there, fresh] = first.emplace(note->transaction, note->at);
      if (!fresh && note->at - there->second > kConsentPause)
        breaches.add("I-24", note->at, "the same transaction again after " + in_words(note->at - there->second));
      asked = note->at;
    }
    if (!data.outgoing) continue;
    if (asked && data.at - *asked > kConsentPause && answered && data.at - *answered <= kConsent)
      breaches.add("I-24", data.at, fmt::format("nobody was asked for consent for {}", in_words(data.at - *asked)));
    if (answered && data.at - *answered > kConsent)
      breaches.add("I-23", data.at, fmt::format("data {} after the last answer", in_words(data.at - *answered)));
  }
}

}  // namespace

void look_at_ice(const Scene& scene, const ClientView& view, Breaches& breaches) {
  std::vector<Moment> begun;
  std::set<wire::TransactionId> seen;
  std::map<std::string, std::set<Pair>> nominated;
  for (const auto* flow : scene.flows_of(view.name)) {
    look_at_checks(*flow, begun, seen, breaches);
    look_at_nominations(*flow, nominated, breaches);
  }
  std::ranges::sort(begun);
  for (std::size_t i = kMostAtOnce; i < begun.size(); ++i) {
    if (begun[i] - begun[i - kMostAtOnce] < kWindow)
      breaches.add(
          "I-19", begun[i],
          fmt::format("{} new checks within {}", kMostAtOnce + 1, in_words(begun[i] - begun[i - kMostAtOnce])));
  }
  look_at_consent(view, breaches);
}

}  // namespace crypelab::judge
