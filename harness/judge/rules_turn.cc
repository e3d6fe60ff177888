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
constexpr Moment kNoticed = milliseconds(100);    // after which what came in on another flow has been read
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

void look_at_refusals(const Flow& flow, Breaches& breaches) {
  std::map<wire::TransactionId, const StunNote*> asked;
  unsigned server_errors = 0;
  unsigned refused = 0;
  std::set<wire::TransactionId> mismatches;  // one that is repeated is answered again
  std::string stale;
  for (const auto& note : flow.stun) {
    if (note.nested || note.check()) continue;
    if (note.outgoing) {
      if (note.message_class != StunClass::request) continue;
      if (!stale.empty() && note.integrity && note.nonce == stale && !asked.contains(note.transaction))
        breaches.add("S-10", note.at, "the stale nonce again");
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
    // A server that hands out the same one again leaves no other.
    if (note.error == 438 && request != asked.end())
      stale = note.nonce != request->second->nonce ? request->second->nonce : std::string();
    if (note.error == 437 && note.method == StunMethod::allocate && mismatches.insert(note.transaction).second &&
        mismatches.size() > 1)
      breaches.add("U-09", note.at, "437 twice on one port");
  }
}

// The server at the other end, whoever passes on what is said to it.
std::string server_of(const Flow& flow) {
  return flow.tunnel ? flow.tunnel_target() : crypelab::to_string(flow.far.address);
}

// When each server said 486, over whatever transport.
std::map<std::string, std::vector<Moment>> quotas_told(const std::vector<const Flow*>& flows) {
  std::map<std::string, std::vector<Moment>> told;
  for (const auto* flow : flows) {
    for (const auto& note : flow->stun) {
      if (!note.outgoing && note.error == 486 && note.method == StunMethod::allocate)
        told[server_of(*flow)].push_back(note.at);
    }
  }
  for (auto& [server, times] : told) std::ranges::sort(times);
  return told;
}

// An allocation that another transport had begun when 486 was told may go on, through challenges, to its own end.
void look_at_quota(const Flow& flow, const std::vector<Moment>& told, Breaches& breaches) {
  std::optional<Moment> begun;
  std::set<wire::TransactionId> asked;
  for (const auto& note : flow.stun) {
    if (note.nested || note.method != StunMethod::allocate) continue;
    if (!note.outgoing) {
      const bool challenge = note.error == 401 || note.error == 438;
      if (!challenge) begun.reset();
      continue;
    }
    if (!asked.insert(note.transaction).second) continue;
    if (!begun) begun = note.at;
    const auto later = std::ranges::upper_bound(told, *begun - kNoticed);
    if (later == told.begin() || note.at - *std::prev(later) >= kQuotaPause) continue;
    breaches.add("U-11", note.at, fmt::format("Allocate again {} after 486", in_words(note.at - *std::prev(later))));
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
  const auto flows = scene.flows_of(view.name);
  const auto told = quotas_told(flows);
  for (const auto* flow : flows) {
    if (flow->stun.empty()) continue;
    look_at_repeats(*flow, breaches);
    look_at_form(*flow, breaches);
    look_at_refusals(*flow, breaches);
    if (const auto found = told.find(server_of(*flow)); found != told.end())
      look_at_quota(*flow, found->second, breaches);
    look_at_lifetime(*flow, breaches);
  }
  look_at_deletion(scene, view, breaches);
}

}  // namespace crypelab::judge
