#include "harness/judge/carrier.h"

#include "harness/wire/http_head.h"

#include <algorithm>
#include <set>

namespace crypelab::judge {
namespace {

using wire::StunClass;
using wire::StunMethod;

// The addresses that STUN and TURN servers told the client that it has: what makes a candidate server-reflexive
// (RFC 8445 section 5.1.1.2).
std::set<Endpoint> reflexive_of(const Scene& scene, const std::string& client) {
  std::set<Endpoint> addresses;
  for (const auto* flow : scene.flows_of(client)) {
    if (!scene.is_turn_service(flow->far)) continue;
    for (const auto& note : flow->stun) {
      if (!note.outgoing && !note.nested && note.message_class == StunClass::success && note.mapped)
        addresses.insert(*note.mapped);
    }
  }
  return addresses;
}

// RFC 8445 section 7.2.5.3.1: the local candidate of a valid pair is the one that the response maps to. One that no
// server had told of is peer-reflexive: found on the way, like one's own.
model::PathClass direct_or_srflx(const Flow& flow, const std::set<Endpoint>& reflexive) {
  for (const auto& note : flow.stun) {
    if (note.outgoing || note.nested || !note.is(StunMethod::binding, StunClass::success) || !note.mapped) continue;
    if (*note.mapped == flow.near) return model::PathClass::direct;
    if (reflexive.contains(*note.mapped)) return model::PathClass::srflx;
  }
  return model::PathClass::direct;
}

// What opened the tunnel's inside, where the proxy itself is reached over TLS: its own connection shows it.
const Flow* behind_proxy(const Scene& scene, const Flow& flow, const std::string& proxy_host) {
  for (const auto& other : scene.flows()) {
    if (scene.interface_of(other).host != proxy_host || !other.outgoing || !other.tcp()) continue;
    if (other.began < flow.began || other.began > flow.ended || !scene.is_turn_service(other.far)) continue;
    return &other;
  }
  return nullptr;
}

std::optional<model::Path> path_by_proxy(const Scene& scene, const Flow& flow) {
  const Flow* seen = &flow;
  std::string target = flow.tunnel_target();
  if (!flow.tunnel) {  // TLS to the proxy, or no CONNECT
    const auto* proxy = scene.owner(flow.far.address);
    if (flow.opening != Opening::tls || proxy == nullptr) return std::nullopt;
    seen = behind_proxy(scene, flow, proxy->host);
    if (seen == nullptr) return std::nullopt;
    target = scene.name_of(seen->far);
  }
  const auto* who = scene.owner_of_target(target);
  if (who == nullptr && seen != &flow) who = scene.owner(seen->far.address);
  if (who == nullptr || who->kind != Owner::Kind::turn) return std::nullopt;
  if (seen->opening == Opening::tls)
    return model::Path{.path = model::PathClass::relay_tls, .proxy = true, .by = target};
  if (seen->opening == Opening::stun)
    return model::Path{.path = model::PathClass::relay_tcp, .proxy = true, .by = target};
  return std::nullopt;
}

bool holds_checks(const Flow& flow) {
  return std::ranges::any_of(flow.stun, [](const auto& note) { return note.check() && !note.nested; });
}

constexpr Moment kSlack = std::chrono::milliseconds(500);  // one way, and the tail of the last message
constexpr std::uint64_t kLeastRecords = 5;                 // each way: consent and refreshes are fewer in that time
constexpr std::uint64_t kManyRecords = 40;                 // each way: no relay that idles has so many

// Whether much went over one connection under TLS to a relay, both ways, after `end`.
bool goes_on_under_tls(const Scene& scene, const std::string& client, Moment end) {
  return std::ranges::any_of(scene.flows_of(client), [&](const Flow* flow) {
    if (flow->opening != Opening::tls) return false;
    std::uint64_t records[2]{};
    for (const auto& note : flow->data) records[note.outgoing ? 1 : 0] += note.at > end + kSlack ? 1 : 0;
    return std::min(records[0], records[1]) >= kManyRecords && path_of_flow(scene, client, *flow).has_value();
  });
}

// The time in which the other client's visible data flowed; of all TLS records of a relay only those within it count.
std::optional<std::pair<Moment, Moment>> data_time(const Scene& scene) {
  std::optional<std::pair<Moment, Moment>> time;
  for (const auto& name : scene.callers()) {
    for (const auto* flow : scene.flows_of(name)) {
      if (flow->opening == Opening::tls) continue;
      for (const auto& note : flow->data) {
        if (!time) time = {note.at, note.at};
        time->first = std::min(time->first, note.at);
        time->second = std::max(time->second, note.at);
      }
    }
  }
  if (time) {
    // A path that was lost may have led both to where nothing is visible.
    const bool both = std::ranges::all_of(
        scene.callers(), [&](const std::string& name) { return goes_on_under_tls(scene, name, time->second); });
    if (both) time->second = Moment::max();
    return time;
  }
  // Both under TLS: from the moment at which the later one said it was connected. It decides no path by its word: only
  // which of several connections under TLS was the busy one.
  for (const auto& name : scene.callers()) {
    const auto* connected = scene.first(name, "connected");
    if (connected == nullptr) return std::nullopt;
    const auto end = scene.first(name, "closed") != nullptr ? scene.first(name, "closed")->at : Moment::max();
    if (!time) time = {connected->at, end};
    time->first = std::max(time->first, connected->at);
    time->second = std::max(time->second, end);
  }
  return time;
}

}  // namespace

std::optional<model::Path> path_of_flow(const Scene& scene, const std::string& client, const Flow& flow) {
  const auto* far = scene.owner(flow.far.address);
  if (far != nullptr && far->kind == Owner::Kind::server) return path_by_proxy(scene, flow);
  if (flow.tunnel) return path_by_proxy(scene, flow);  // a proxy that the lab did not make
  if (scene.is_turn_service(flow.far) && !holds_checks(flow)) {
    const auto by = scene.name_of(flow.far);
    if (!flow.tcp()) {
      const bool allocates = std::ranges::any_of(
          flow.stun, [](const auto& note) { return note.outgoing && note.request(StunMethod::allocate); });
      if (!allocates) return std::nullopt;  // STUN alone
      return model::Path{.path = model::PathClass::relay_udp, .proxy = false, .by = by};
    }
    if (flow.opening == Opening::tls) return model::Path{.path = model::PathClass::relay_tls, .proxy = false, .by = by};
    if (flow.opening == Opening::stun)
      return model::Path{.path = model::PathClass::relay_tcp, .proxy = false, .by = by};
    return std::nullopt;
  }
  if (!holds_checks(flow)) return std::nullopt;
  // The peer's relay: what it sends there goes through a relay, over UDP, whoever allocated it.
  if (far != nullptr && far->kind == Owner::Kind::turn)
    return model::Path{.path = model::PathClass::relay_udp, .peers = true, .by = scene.name_of(flow.far)};
  return model::Path{
      .path = direct_or_srflx(flow, reflexive_of(scene, client)), .proxy = false, .by = crypelab::to_string(flow.far)};
}

std::vector<Carrier> carriers_of(const Scene& scene, const std::string& client) {
  std::vector<Carrier> carriers;
  const auto time = data_time(scene);
  for (const auto* flow : scene.flows_of(client)) {
    if (flow->data.empty()) continue;
    const auto path = path_of_flow(scene, client, *flow);
    if (!path) continue;
    const bool hidden = path->path == model::PathClass::relay_tls || flow->opening == Opening::tls;
    if (hidden && !time) continue;
    Carrier carrier{.flow = flow, .path = *path};
    std::uint64_t records[2]{};
    for (const auto& note : flow->data) {
      if (hidden &&
          (note.at + kSlack < time->first || (time->second != Moment::max() && note.at > time->second + kSlack)))
        continue;
      (note.outgoing ? carrier.sent : carrier.received) += note.size;
      records[note.outgoing ? 1 : 0] += 1;
      if (carrier.first == Moment{0}) carrier.first = note.at;
      carrier.last = note.at;
    }
    if (hidden && std::min(records[0], records[1]) < kLeastRecords) continue;
    if (carrier.sent + carrier.received > 0) carriers.push_back(std::move(carrier));
  }
  return carriers;
}

const Carrier* path_of(const std::vector<Carrier>& carriers) {
  Moment begin = Moment::max();
  Moment end = Moment::min();
  for (const auto& carrier : carriers) {
    if (!carrier.both_ways()) continue;
    begin = std::min(begin, carrier.first);
    end = std::max(end, carrier.last);
  }
  if (begin > end) return nullptr;
  const Moment half = begin + (end - begin) / 2;
  const Carrier* best = nullptr;
  std::uint64_t most = 0;
  for (const auto& carrier : carriers) {
    if (!carrier.both_ways()) continue;
    std::uint64_t late = 1;
    for (const auto& note : carrier.flow->data) {
      if (note.at >= half && note.at <= carrier.last) late += note.size;
    }
    if (best == nullptr || late > most) {
      best = &carrier;
      most = late;
    }
  }
  return best;
}

std::vector<Moment> arrivals_of(const std::vector<Carrier>& carriers) {
  std::vector<Moment> times;
  for (const auto& carrier : carriers) {
    for (const auto& note : carrier.flow->data) {
      if (!note.outgoing && note.at >= carrier.first && note.at <= carrier.last) times.push_back(note.at);
    }
  }
  std::ranges::sort(times);
  return times;
}

}  // namespace crypelab::judge
