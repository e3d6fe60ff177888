#include "harness/gate/gate.h"

#include "harness/gate/reset.h"

#include <algorithm>

namespace crypelab::gate {
namespace {

using State = FirstBytes::State;

constexpr std::size_t kShown = 16;

Decision::Verdict verdict_of(State state, const Policy& policy) {
  if (state == State::pass) return Decision::Verdict::pass;
  if (policy.otherwise == Policy::Otherwise::reset) return Decision::Verdict::reset;
  return policy.otherwise == Policy::Otherwise::pass ? Decision::Verdict::pass_counted : Decision::Verdict::drop;
}

// How far a segment goes in sequence space (RFC 9293 section 3.4).
std::uint32_t length_of(const wire::IpPacket& packet) {
  const auto& tcp = *packet.tcp();
  return static_cast<std::uint32_t>(packet.payload.size()) + (tcp.syn ? 1U : 0U) + (tcp.fin ? 1U : 0U);
}

// Ends both sides of the connection that `packet` belongs to. `judged` is where its receiver stands: what comes later
// has not been let through.
void add_resets(const wire::IpPacket& packet, std::uint32_t judged, std::vector<std::vector<std::uint8_t>>& resets) {
  const auto& tcp = *packet.tcp();
  const auto sender = packet.source_endpoint();
  const auto receiver = packet.destination_endpoint();
  resets.push_back(build_reset(receiver, sender, tcp.acknowledgment, tcp.sequence + length_of(packet)));
  resets.push_back(build_reset(sender, receiver, judged, tcp.acknowledgment));
}

}  // namespace

Gate::Gate(Configuration configuration, Limits limits) : configuration_(std::move(configuration)), limits_(limits) {}

void Gate::judge(const Arrival& arrival, Time now, Outcome& outcome) {
  const auto packet = wire::decode_ip(arrival.packet);
  const auto policy = configuration_.policies.find(arrival.policy);
  if (!packet || packet->tcp() == nullptr || packet->truncated || policy == configuration_.policies.end()) {
    outcome.rulings.push_back({arrival.id, Fate::discard});
    return;
  }
  const bool out = arrival.way == Way::out;
  const Key key{out ? packet->source_endpoint() : packet->destination_endpoint(),
                out ? packet->destination_endpoint() : packet->source_endpoint()};
  auto flow = flows_.find(key);
  const auto& tcp = *packet->tcp();
  if (out && tcp.syn && !tcp.ack) {
    const bool again = flow != flows_.end() && !flow->second.told && flow->second.flow.isn() == tcp.sequence;
    if (flow != flows_.end() && !again && !flow->second.told && !flow->second.flow.first().seen().empty()) {
      // Whoever believes it, the two ends would no longer agree with the gate on where the stream begins.
      flow->second.flow.refuse("a second SYN in the middle of a connection");
    } else if (!again) {
      if (flow != flows_.end()) forget(flow, "opened again", now, outcome);
      flow = begin_flow(key, policy->second, tcp.sequence, now, outcome);
    }
  }
  if (flow == flows_.end()) return judge_stranger(key, policy->second, arrival, *packet, outcome);
  touch(flow, now);
  waiting_ -= flow->second.flow.waiting();
  if (out) {
    judge_client(flow, arrival, *packet, outcome);
  } else {
    judge_server(flow, arrival, *packet, outcome);
  }
  if (flow->second.flow.state() != State::more) flow->second.flow.abandon(outcome.rulings);
  waiting_ += flow->second.flow.waiting();
  conclude(flow, *packet, arrival.way, now, outcome);
}

void Gate::judge_client(Flows::iterator flow, const Arrival& arrival, const wire::IpPacket& packet, Outcome& outcome) {
  const auto& tcp = *packet.tcp();
  auto& judged = flow->second.flow;
  if (judged.state() == State::more && packet.payload.empty()) {
    outcome.rulings.push_back({arrival.id, Fate::forward});
    return;
  }
  // RFC 7413 section 2: data in a SYN begin right behind it.
  judged.take(arrival.id, tcp.sequence + (tcp.syn ? 1U : 0U), packet.payload, waiting_ < limits_.waiting_segments,
              outcome.rulings);
}

void Gate::judge_server(Flows::iterator flow, const Arrival& arrival, const wire::IpPacket& packet, Outcome& outcome) {
  auto& judged = flow->second.flow;
  // To the beginning of a hello it may answer, with an alert.
  if (!packet.payload.empty() && judged.first().seen().empty()) judged.refuse("the server spoke first");
  const auto state = judged.state();
  outcome.rulings.push_back({arrival.id, state == State::more   ? Fate::forward
                                         : state == State::pass ? Fate::pass
                                                                : Fate::refuse});
}

// Of a connection whose beginning was not seen, or is forgotten: it proves nothing any more.
void Gate::judge_stranger(const Key& key, const Policy& policy, const Arrival& arrival, const wire::IpPacket& packet,
                          Outcome& outcome) {
  if (packet.payload.empty()) {
    // Nothing to be judged, and nothing that could tell anybody anything.
    outcome.rulings.push_back({arrival.id, Fate::forward});
    return;
  }
  Decision decision;
  decision.policy = policy.name;
  decision.client = key.client;
  decision.server = key.server;
  decision.verdict = verdict_of(State::refuse, policy);
  decision.reason = "the beginning of the connection was not seen";
  decision.segments = 1;
  outcome.decisions.push_back(std::move(decision));
  outcome.rulings.push_back({arrival.id, Fate::refuse});
  if (policy.otherwise == Policy::Otherwise::reset) {
    add_resets(packet, packet.tcp()->sequence, outcome.resets);
  }
}

void Gate::conclude(Flows::iterator found, const wire::IpPacket& packet, Way way, Time now, Outcome& outcome) {
  auto& [flow, policy, place, told] = found->second;
  const auto& tcp = *packet.tcp();
  if (flow.state() == State::more) {
    if (tcp.rst) forget(found, "closed", now, outcome);
    return;
  }
  if (told) return;
  told = true;
  Decision decision;
  decision.policy = policy->name;
  decision.client = found->first.client;
  decision.server = found->first.server;
  decision.verdict = verdict_of(flow.state(), *policy);
  decision.reason = flow.reason();
  if (const auto* hello = flow.first().hello()) {
    decision.server_name = hello->server_name;
    decision.protocols = hello->alpn;
    decision.tls13 = hello->offers_version(0x0304);
  }
  const auto& seen = flow.first().seen();
  decision.bytes = seen.size();
  if (flow.state() == State::refuse) {
    decision.beginning.assign(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(std::min(seen.size(), kShown)));
  }
  decision.segments = flow.segments();
  decision.took = now - flow.begun();
  outcome.decisions.push_back(std::move(decision));
  if (flow.state() == State::refuse && policy->otherwise == Policy::Otherwise::reset) {
    // The server has received what was forwarded, the client what the server has said before.
    add_resets(packet,
               way == Way::out ? std::min(tcp.sequence, flow.next(),
                                          [](auto a, auto b) { return static_cast<std::int32_t>(a - b) < 0; })
                               : tcp.sequence,
               outcome.resets);
  }
}

Gate::Flows::iterator Gate::begin_flow(const Key& key, const Policy& policy, std::uint32_t isn, Time now,
                                       Outcome& outcome) {
  while (flows_.size() >= limits_.flows) forget(flows_.find(order_.front()), "too many connections", now, outcome);
  order_.push_back(key);
  return flows_.emplace(key, Entry{Flow(policy, isn, now), &policy, std::prev(order_.end())}).first;
}

void Gate::touch(Flows::iterator flow, Time now) {
  flow->second.flow.touch(now);
  order_.splice(order_.end(), order_, flow->second.place);
}

void Gate::forget(Flows::iterator found, const char* why, Time now, Outcome& outcome) {
  auto& flow = found->second.flow;
  waiting_ -= flow.waiting();
  flow.abandon(outcome.rulings);
  if (!found->second.told && !flow.first().seen().empty()) {
    Decision decision;
    decision.policy = found->second.policy->name;
    decision.client = found->first.client;
    decision.server = found->first.server;
    decision.verdict = Decision::Verdict::closed;
    decision.reason = std::string(why) + " before its first message was whole";
    decision.bytes = flow.first().seen().size();
    decision.segments = flow.segments();
    decision.took = now - flow.begun();
    outcome.decisions.push_back(std::move(decision));
  }
  order_.erase(found->second.place);
  flows_.erase(found);
}

void Gate::expire(Time now, Outcome& outcome) {
  for (auto place = order_.begin(); place != order_.end();) {
    const auto flow = flows_.find(*place++);
    const auto silent = now - flow->second.flow.seen();
    if (silent >= limits_.silence || (flow->second.told && silent >= limits_.memory)) {
      forget(flow, "silent for too long", now, outcome);
    } else if (silent < limits_.memory) {
      break;
    }
  }
}

}  // namespace crypelab::gate
