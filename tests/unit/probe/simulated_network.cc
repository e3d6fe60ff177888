#include "simulated_network.h"

#include <algorithm>

namespace crypelab::probe {

SimulatedNetwork::Flow& SimulatedNetwork::flow_for(unsigned socket, const Endpoint& to) {
  Endpoint key{};
  if (mapping == Dependence::address) key.address = to.address;
  if (mapping == Dependence::address_and_port) key = to;
  auto& flow = flows_[{socket, key}];
  if (flow.external != 0 && now - flow.last > timer) flow = {};
  if (flow.external == 0) {
    flow.socket = socket;
    flow.external = mapping ? external_port(local(socket).port) : local(socket).port;
  }
  flow.last = now;
  return flow;
}

bool SimulatedNetwork::may_enter(const Flow& flow, const Endpoint& from) const {
  if (!mapping) return true;
  if (now - flow.last > timer) return false;
  if (filtering == Dependence::endpoint_independent) return true;
  return std::ranges::any_of(flow.sent_to, [&](const Endpoint& peer) {
    return filtering == Dependence::address ? peer.address == from.address : peer == from;
  });
}

void SimulatedNetwork::from_client(Dialogue& dialogue, const Outgoing& outgoing) {
  const auto& [socket, to, bytes, whole] = outgoing;
  if (to.address == outside() && mapping) {  // to one of our own mappings
    if (!hairpin) return;
    for (auto& [key, flow] : flows_) {
      if (flow.external != to.port) continue;
      const auto inner = flow.socket;
      auto& own = flow_for(socket, to);
      own.sent_to.insert(to);
      const Endpoint from{outside(), own.external};
      if (!may_enter(flow, from)) return;
      at(now + Duration(100), [this, &dialogue, inner, from, copy = bytes] {
        dialogue.receive(inner, from, copy, now);
        flush(dialogue);
      });
      return;
    }
    return;
  }
  auto& flow = flow_for(socket, to);
  flow.sent_to.insert(to);
  const Endpoint from{outside(), flow.external};
  if (whole && bytes.size() + 28 > up_mtu) {
    if (!too_big) return;
    const Unreached error{.from = Address::v4(0x0A000001), .too_big = up_mtu, .to = to};
    const unsigned index = socket;
    at(now + Duration(200), [this, &dialogue, index, error] { dialogue.unreached(index, error, now); });
    return;
  }
  if (lose_up(++up_count_)) return;
  Time arrival = now;
  if (up_rate != 0) {
    up_free_ = std::max(up_free_, now) + Duration((bytes.size() + 28) * 8 * 1'000'000 / up_rate);
    if (up_free_ - now > std::chrono::milliseconds(100)) {  // the queue is full
      up_free_ -= Duration((bytes.size() + 28) * 8 * 1'000'000 / up_rate);
      return;
    }
    arrival = up_free_;
  }
  at(arrival + up_delay + extra_up(up_count_), [this, &dialogue, from, server = to, copy = bytes] {
    const auto& sockets = reflector.sockets();
    const auto index = std::ranges::find(sockets, server) - sockets.begin();
    if (index == std::ssize(sockets)) return;
    reflector.receive(static_cast<std::size_t>(index), from, copy, now);
    flush(dialogue);
  });
}

void SimulatedNetwork::from_reflector(Dialogue& dialogue, const Outgoing& outgoing) {
  const Endpoint from = reflector.sockets()[outgoing.socket];
  if (outgoing.whole && outgoing.bytes.size() + 28 > down_mtu) {
    if (too_big) reflector.too_big(outgoing.to, down_mtu);
    return;
  }
  if (lose_down(++down_count_)) return;
  at(now + down_delay, [this, &dialogue, from, to = outgoing.to, copy = outgoing.bytes] {
    for (auto& [key, flow] : flows_) {
      if (flow.external != to.port || !may_enter(flow, from)) continue;
      flow.last = now;
      dialogue.receive(flow.socket, from, copy, now);
      break;
    }
    flush(dialogue);
  });
}

void SimulatedNetwork::flush(Dialogue& dialogue) {
  for (const auto& outgoing : dialogue.take()) from_client(dialogue, outgoing);
  for (const auto& outgoing : reflector.take()) from_reflector(dialogue, outgoing);
}

bool SimulatedNetwork::run(Dialogue& dialogue, Duration limit) {
  const Time end = now + limit;
  std::vector<Endpoint> locals;
  for (unsigned i = 0; i < dialogue.sockets(); ++i) locals.push_back(local(i));
  dialogue.start(locals, now);
  flush(dialogue);
  while (!dialogue.done() && now <= end) {
    Time next = end + Duration(1);
    if (!events_.empty()) next = std::min(next, events_.begin()->first);
    if (const auto wish = dialogue.next()) next = std::min(next, std::max(*wish, now));
    if (const auto wish = reflector.next()) next = std::min(next, std::max(*wish, now));
    now = next;
    if (now > end) break;
    if (!events_.empty() && events_.begin()->first <= now) {
      const auto action = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      action();
    } else {
      if (const auto wish = dialogue.next(); wish && *wish <= now) dialogue.wake(now);
      reflector.wake(now);
      flush(dialogue);
    }
  }
  return dialogue.done();
}

}  // namespace crypelab::probe
