#include "harness/evidence/allocations.h"
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

constexpr Moment kLeastRto = milliseconds(450);   // RFC 8489 section 6.2.1: 500 ms, and what a busy machine adds
constexpr unsigned kMostServerErrors = 8;         // "bounded", of which four are what the RFC advises
constexpr Moment kQuotaPause = seconds(55);       // a minute, and what a busy machine adds
constexpr Moment kDeletionPatience = seconds(3);  // requirements.md, U-14

void look_at_repeats(const Flow& flow, Breaches& breaches) {
  std::map<wire::TransactionId, Moment> first;
  for (const auto& note : flow.stun) {
    if (!note.outgoing || note.nested || note.message_class != StunClass::request || note.check()) continue;
    const auto [there, fresh] = first.emplace(note.transaction, note.at);
    if (fresh) continue;
    if (flow.tcp()) {
      breaches.add("S-02", note.at, "a request was repeated on a connection");
    } else if (note.at - there->second < kLeastRto) {
      breaches.add("S-01", note.at, fmt::format("a request was repeated after {}", in_words(note.at - there->second)));
    }
    there->second = note.at;
  }
}

void look_at_form(const Flow& flow, Breaches& breaches) {
  std::string user;
  for (const auto& note : flow.stun) {
    if (!note.outgoing || note.nested || note.message_class != StunClass::request || note.check()) continue;
    if (note.method == StunMethod::allocate && !note.requested_transport)
      breaches.add("U-01", note.at, "Allocate without REQUESTED-TRANSPORT");
    if (note.requested_family && note.additional_family) breaches.add("U-02", note.at, "both families in one Allocate");
    if (!note.username.empty()) {
      if (!user.empty() && user != note.username)
        breaches.add("U-17", note.at, "another user name on the same allocation");
      user = note.username;
    }
    const bool needs_peer = note.method == StunMethod::create_permission || note.method == StunMethod::channel_bind;
    if (needs_peer && !note.peer) breaches.add("U-19", note.at, "a permission without XOR-PEER-ADDRESS");
    if (note.method == StunMethod::channel_bind && note.channel && (*note.channel < 0x4000 || *note.channel > 0x4FFF))
      breaches.add("U-22", note.at, fmt::format("channel {:#06x}", *note.channel));
  }
  if (flow.broken_framing)
    breaches.add("U-24", flow.ended, "what it sent cannot be cut into messages: " + *flow.broken_framing);
}

void look_at_refusals(const Flow& flow, std::map<Address, Moment>& over_quota, Breaches& breaches) {
  std::map<wire::TransactionId, const StunNote*> asked;
  unsigned server_errors = 0;
  unsigned refused = 0;
  unsigned mismatches = 0;
  std::string stale;
  for (const auto& note : flow.stun) {
    if (note.nested || note.check()) continue;
    if (note.outgoing) {
      if (note.message_class != StunClass::request) continue;
      if (!stale.empty() && note.integrity && note.nonce == stale && !asked.contains(note.transaction))
        breaches.add("S-10", note.at, "the stale nonce again");
      const auto quota = over_quota.find(flow.far.address);
      if (note.method == StunMethod::allocate && quota != over_quota.end() && note.at > quota->second &&
          note.at - quota->second < kQuotaPause && !asked.contains(note.transaction))
        breaches.add("U-11", note.at, fmt::format("Allocate again {} after 486", in_words(note.at - quota->second)));
      asked.emplace(note.transaction, &note);
      continue;
    }
    if (note.message_class == StunClass::success) refused = 0;
    if (note.message_class != StunClass::error) continue;
    const auto request = asked.find(note.transaction);
    if (note.error >= 500 && note.error < 600 && ++server_errors > kMostServerErrors)
      breaches.add("S-08", note.at, fmt::format("{} requests that ended in {}", server_errors, note.error));
    if (note.error == 401 && request != asked.end() && request->second->integrity && ++refused > 2)
      breaches.add("S-09", note.at, fmt::format("credentials refused {} times", refused));
    if (note.error == 438 && request != asked.end()) stale = request->second->nonce;
    if (note.error == 437 && note.method == StunMethod::allocate && ++mismatches > 1)
      breaches.add("U-09", note.at, "437 twice on one port");
    if (note.error == 486) over_quota[flow.far.address] = note.at;
  }
}

void look_at_lifetime(const Flow& flow, Breaches& breaches) {
  std::optional<Moment> granted;
  std::uint32_t lifetime = 0;
  for (const auto& note : flow.stun) {
    if (note.nested || (note.method != StunMethod::allocate && note.method != StunMethod::refresh)) continue;
    if (note.outgoing || note.message_class != StunClass::success || !note.lifetime) continue;
    if (granted && note.method == StunMethod::refresh && note.at - *granted > seconds(lifetime))
      breaches.add(
          lifetime == 600 ? "U-13" : "U-05", note.at,
          fmt::format("refreshed {} after it had been granted for {} s", in_words(note.at - *granted), lifetime));
    // RFC 8656 section 7.2: a lifetime of 0 deletes it, and the next Allocate makes another one.
    lifetime = *note.lifetime;
    granted = lifetime > 0 ? std::optional(note.at) : std::nullopt;
  }
  if (granted && !flow.data.empty() && flow.data.back().at - *granted > seconds(lifetime))
    breaches.add(
        lifetime == 600 ? "U-13" : "U-05", flow.data.back().at,
        fmt::format("data {} after it had been granted for {} s", in_words(flow.data.back().at - *granted), lifetime));
}

// By the server's own log: what the client's last packets say may be lost, or hidden in TLS.
void look_at_deletion(const Scene& scene, const ClientView& view, Breaches& breaches) {
  std::optional<Moment> end;
  for (const auto& event : scene.attempt().events) {
    if (event.source != model::Source::lab || event.kind != "client-ended" || event.where != view.name) continue;
    const auto exit = number_field(event, "exit", -1);
    if (exit == 0 || exit == 1) end = event.at;
  }
  const auto& events = scene.attempt().events;
  if (!end || events.empty() || events.back().at < *end + kDeletionPatience) return;
  for (const auto& session : scene.allocations()) {
    if (session.client != view.name || (session.ended && *session.ended <= *end + kDeletionPatience)) continue;
    breaches.add("U-14", *end, fmt::format("its allocation {} on {} was left behind", session.number, session.server));
  }
}

}  // namespace

void look_at_turn(const Scene& scene, const ClientView& view, Breaches& breaches) {
  std::map<Address, Moment> over_quota;
  for (const auto* flow : scene.flows_of(view.name)) {
    if (flow->stun.empty()) continue;
    look_at_repeats(*flow, breaches);
    look_at_form(*flow, breaches);
    look_at_refusals(*flow, over_quota, breaches);
    look_at_lifetime(*flow, breaches);
  }
  look_at_deletion(scene, view, breaches);
}

}  // namespace crypelab::judge
