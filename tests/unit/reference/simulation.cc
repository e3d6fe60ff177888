#include "simulation.h"

namespace crypelab::client {

using Type = wire::IceCandidate::Type;
using Transport = wire::IceCandidate::Transport;
using TcpType = wire::IceCandidate::TcpType;

namespace {

const Endpoint stun_server = *parse_endpoint("198.51.100.1:3478");

ice::Agent::Settings agent_settings(const SiteSettings& site, bool controlling) {
  return {.controlling = controlling,
          .relay_only = site.relay_only,
          .ta = site.pacing,
          .shortest_settle = site.settle,
          .misbehaviour = site.misbehaviour};
}

}  // namespace

void SimulatedPeer::ToServer::send(wire::Bytes message) {
  auto& world = owner_.world_;
  if (kind_ < 2) return owner_.datagram(kind_ == 0 ? owner_.host_ : owner_.turn_socket_, stun_server, message);
  // A TCP connection to the server: ordered, complete.
  const Datagram in{{owner_.outside_, static_cast<std::uint16_t>(40000 + owner_.number_)},
                    world.tcp_server.settings.listen,
                    {message.begin(), message.end()}};
  world.stream(true, world.path.delay, [&world, in](Time at) {
    if (world.cut) return;
    for (auto& out : world.tcp_server.receive(in, at)) world.transmit(std::move(out));
  });
}

SimulatedPeer::SimulatedPeer(Simulation& world, std::uint64_t seed, unsigned number, SiteSettings chosen,
                             bool controlling)
    : site(chosen),
      random(seed),
      agent(agent_settings(chosen, controlling), random, *this),
      world_(world),
      number_(number) {
  const bool nat = site.mapping != Dependence::none;
  outside_ = Address::v4(0xCB007100 + number);  // 203.0.113.x
  host_ = {nat ? Address::v4(0x0A000002 + (number << 16)) : outside_, 5000};
  host6_ = {*parse_address("2001:db8:" + std::to_string(number) + "::2"), 5000};
  turn_socket_ = {host_.address, 6000};
}

void SimulatedPeer::gather(Time now) {
  agent.add_local({.base = udp_base, .address = host_, .related = host_}, now);
  if (site.v6) agent.add_local({.base = udp6_base, .address = host6_, .related = host6_}, now);
  if (site.tcp_peers) {
    agent.add_local({.base = tcp_active,
                     .transport = Transport::tcp,
                     .tcp_type = TcpType::active,
                     .address = {host_.address, 9},
                     .related = host_},
                    now);
    agent.add_local({.base = tcp_passive,
                     .transport = Transport::tcp,
                     .tcp_type = TcpType::passive,
                     .address = {host_.address, 7000},
                     .related = host_},
                    now);
  }
  ++open_gatherings_;
  binding_.emplace(stun::ServerBinding::Settings{}, random, binding_out_, now);
  if (site.turn) {
    const auto account = *stun::LongTerm::create("alice", "wonderland");
    ++open_gatherings_;
    turn_udp_.emplace(turn::Allocation::Settings{}, account, random, turn_udp_out_, now);
    ++open_gatherings_;
    turn_tcp_.emplace(turn::Allocation::Settings{.timing = {.reliable = true}}, account, random, turn_tcp_out_, now);
  }
  pump(now);
}

void SimulatedPeer::take_allocation(turn::Allocation& allocation, ice::Base base, ice::RelayedOver over, Time now) {
  while (const auto event = allocation.poll()) {
    using Kind = turn::Event::Kind;
    if (event->kind == Kind::allocated) {
      --open_gatherings_;
      agent.add_local({.base = base,
                       .type = Type::relay,
                       .address = *allocation.relayed(Family::v4),
                       .related = *allocation.mapped(),
                       .server = stun_server.address,
                       .over = over},
                      now);
    } else if (event->kind == Kind::refused) {
      --open_gatherings_;
    } else if (event->kind == Kind::permitted || event->kind == Kind::permission_refused) {
      agent.permission(base, event->peer.address, event->kind == Kind::permitted, now);
    } else if (event->kind == Kind::lost) {
      agent.remove_base(base, now);
    }
  }
}

void SimulatedPeer::pump(Time now) {
  if (turn_udp_) take_allocation(*turn_udp_, relay_udp, ice::RelayedOver::udp, now);
  if (turn_tcp_) take_allocation(*turn_tcp_, relay_tcp, ice::RelayedOver::tcp, now);
  if (binding_ && binding_->decided() && !binding_told_) {
    binding_told_ = true;
    --open_gatherings_;
    if (binding_->mapped() && *binding_->mapped() != host_) {
      agent.add_local({.base = udp_base,
                       .type = Type::srflx,
                       .address = *binding_->mapped(),
                       .related = host_,
                       .server = stun_server.address},
                      now);
    }
  }
  if (open_gatherings_ == 0 && !ended_) {
    ended_ = true;
    agent.end_local(now);
  }
  while (const auto event = agent.poll()) {
    switch (event->kind) {
      case ice::Event::Kind::candidate:
        told.push_back(event->candidate);
        signal([c = event->candidate](SimulatedPeer& peer, Time at) { peer.agent.add_remote(c, at); });
        break;
      case ice::Event::Kind::end_of_candidates:
        signal([](SimulatedPeer& peer, Time at) { peer.agent.end_remote(at); });
        break;
      case ice::Event::Kind::selected:
        selected = event->path;
        ++selections;
        data_routes.clear();
        if (!connected_at) connected_at = now;
        next_data_ = now;
        break;
      case ice::Event::Kind::state:
        if (event->state == ice::State::failed) failed_at = now;
        if (event->state == ice::State::disconnected && auto_restart) restart(now);
        break;
      case ice::Event::Kind::peer_moved:
        ++peer_moves;
        break;
    }
  }
}

void SimulatedPeer::answer() {
  signal([mine = agent.credentials(), ta = agent.pacing()](SimulatedPeer& peer, Time at) {
    peer.agent.set_remote(mine, at, ta);
  });
}

void SimulatedPeer::restart(Time now) {
  nominated.clear();
  agent.restart(now);
  // The peer answers with a restart of its own, as an answer to a new offer does.
  signal([mine = agent.credentials(), ta = agent.pacing()](SimulatedPeer& peer, Time at) {
    peer.nominated.clear();
    peer.agent.restart(at);
    peer.agent.set_remote(mine, at, ta);
    peer.answer();
  });
}

void SimulatedPeer::signal(std::function<void(SimulatedPeer&, Time)> message) {
  auto& peer = world_.other(*this);
  world_.stream(true, 30ms, [&peer, message = std::move(message)](Time at) {
    message(peer, at);
    peer.pump(at);
  });
}

void SimulatedPeer::wake(Time now) {
  agent.wake(now);
  if (binding_) binding_->wake(now);
  if (turn_udp_) turn_udp_->wake(now);
  if (turn_tcp_) turn_tcp_->wake(now);
  if (connected_at && sends_data && now >= next_data_) {
    next_data_ = now + 200ms;
    const std::array<std::uint8_t, 40> data{0x80, 'd', 'a', 't', 'a'};
    agent.send(data, now);
  }
  pump(now);
}

std::optional<Time> SimulatedPeer::next() const {
  auto first = agent.next();
  if (binding_) first = earlier(first, binding_->next());
  if (turn_udp_) first = earlier(first, turn_udp_->next());
  if (turn_tcp_) first = earlier(first, turn_tcp_->next());
  if (connected_at && sends_data) first = earlier(first, next_data_);
  return first;
}

// --- the network side ------------------------------------------------------------------------------------------------

Endpoint SimulatedPeer::map(const Endpoint& inside, const Endpoint& to) {
  if (site.mapping == Dependence::none || inside.address.is_v6()) return inside;
  Endpoint key;
  if (site.mapping != Dependence::endpoint_independent) key.address = to.address;
  if (site.mapping == Dependence::address_and_port) key.port = to.port;
  const auto found = mappings_.find({inside, key});
  if (found != mappings_.end()) return found->second;
  return mappings_[{inside, key}] = {outside_, next_port_++};
}

void SimulatedPeer::datagram(const Endpoint& from, const Endpoint& to, wire::Bytes bytes) {
  const bool server = to.address == stun_server.address;
  if (!site.udp || (!server && !site.udp_to_peers)) return;
  const auto outside = map(from, to);
  spoken_.insert({outside, to});
  spoken_.insert({outside, {to.address, 0}});
  world_.transmit({outside, to, {bytes.begin(), bytes.end()}});
}

bool SimulatedPeer::owns(const Endpoint& to) const {
  return to.address == outside_ || (site.v6 && to.address == host6_.address);
}

bool SimulatedPeer::arrive(const Datagram& in, Time now) {
  const bool server = in.from.address == stun_server.address;
  if (in.to == Endpoint{outside_, static_cast<std::uint16_t>(40000 + number_)}) {
    turn_stream_arrive(in.bytes, now);
    return true;
  }
  if (!site.udp || (!server && !site.udp_to_peers)) return false;
  Endpoint inside = in.to;
  if (site.mapping != Dependence::none && in.to.address.is_v4()) {
    bool mapped = false;
    for (const auto& [key, outside] : mappings_) {
      if (outside != in.to) continue;
      inside = key.first;
      mapped = true;
    }
    if (!mapped) return false;
  }
  if (in.to.address.is_v4()) {
    if (site.filtering == Dependence::address && !spoken_.contains({in.to, {in.from.address, 0}})) return false;
    if (site.filtering == Dependence::address_and_port && !spoken_.contains({in.to, in.from})) return false;
  }
  if (inside == turn_socket_ && turn_udp_) {
    if (const auto data = turn_udp_->receive(in.bytes, now)) agent.receive({relay_udp, data->peer}, data->payload, now);
  } else if (inside == host6_) {
    agent.receive({udp6_base, in.from}, in.bytes, now);
  } else if (inside == host_) {
    const auto message = wire::StunMessage::parse(in.bytes);
    if (!(in.from == stun_server && message && binding_ && binding_->receive(*message, now))) {
      agent.receive({udp_base, in.from}, in.bytes, now);
    }
  }
  pump(now);
  return true;
}

void SimulatedPeer::turn_stream_arrive(const std::vector<std::uint8_t>& bytes, Time now) {
  if (!turn_tcp_) return;
  // Cut at random places: framing must not depend on segments.
  wire::Bytes rest = bytes;
  while (!rest.empty()) {
    const auto size = std::min<std::size_t>(1 + random.below(40), rest.size());
    turn_stream_.feed(rest.first(size));
    rest = rest.subspan(size);
    while (const auto frame = turn_stream_.next()) {
      if (const auto data = turn_tcp_->receive(frame->bytes, now))
        agent.receive({relay_tcp, data->peer}, data->payload, now);
    }
  }
  pump(now);
}

void SimulatedPeer::send(const ice::Route& route, wire::Bytes bytes) {
  const bool tcp = route.base == tcp_active || route.base == tcp_passive;
  const wire::Bytes packet = tcp ? bytes.subspan(2) : bytes;
  if (const auto message = wire::StunMessage::parse(packet)) {
    if (message->message_class() == wire::StunClass::request) requests.emplace_back(world_.now, route);
    if (message->has(wire::StunAttribute::use_candidate)) nominated.insert(route);
  } else {
    data_routes.insert(route);
    last_data_sent = world_.now;
  }
  if (route.base == udp_base && site.reject && !site.udp) {
    return world_.later(1ms, [this, route](Time at) {
      agent.unreachable(route, at);
      pump(at);
    });
  }
  if (route.base == udp_base) return datagram(host_, route.remote, bytes);
  if (route.base == udp6_base) return datagram(host6_, route.remote, bytes);
  if (route.base == relay_udp || route.base == relay_tcp) {
    auto& allocation = route.base == relay_udp ? *turn_udp_ : *turn_tcp_;
    std::array<std::uint8_t, 2000> buffer{};
    const auto out = allocation.encapsulate(buffer, route.remote, bytes, world_.now);
    if (out.empty())
      ++unpermitted_relays;
    else
      (route.base == relay_udp ? turn_udp_out_ : turn_tcp_out_).send(out);
    return;
  }
  // A direct TCP connection: this end's address is 7000 where it listens, else one for each remote.
  auto& peer = world_.other(*this);
  const Endpoint mine{host_.address, static_cast<std::uint16_t>(route.base == tcp_passive ? 7000 : 30000)};
  const ice::Base base = route.base == tcp_passive ? tcp_active : tcp_passive;
  world_.stream(true, world_.path.delay,
                [this, &peer, mine, base, copy = std::vector<std::uint8_t>(bytes.begin(), bytes.end())](Time at) {
                  if (world_.cut || world_.cut_direct) return;
                  peer.agent.receive_stream({base, mine}, copy, at);
                  peer.pump(at);
                });
}

void SimulatedPeer::deliver(wire::Bytes packet) {
  if (!packet.empty() && packet[0] == 0x80) ++received;
}

void SimulatedPeer::connect(const ice::Route& route) {
  auto& peer = world_.other(*this);
  const bool listens = peer.site.tcp_peers && peer.site.mapping == Dependence::none &&
                       route.remote == Endpoint{peer.host_.address, 7000};
  const Endpoint mine{host_.address, 30000};
  if (!listens) {
    return world_.later(world_.path.delay * 2, [this, route](Time at) {
      agent.disconnected(route, at);
      pump(at);
    });
  }
  world_.stream(true, world_.path.delay, [this, &peer, mine, route](Time at) {
    peer.agent.connected({tcp_passive, mine}, at);
    peer.pump(at);
    world_.stream(true, world_.path.delay, [this, route](Time then) {
      agent.connected(route, then);
      pump(then);
    });
  });
}

void SimulatedPeer::permit(ice::Base base, const Address& peer) {
  auto& allocation = base == relay_udp ? turn_udp_ : turn_tcp_;
  if (allocation) allocation->permit(peer, world_.now);
}

Simulation::Simulation(std::uint64_t seed, SiteSettings site_a, SiteSettings site_b, PathSettings chosen)
    : random(seed), path(chosen), tcp_server([] {
        TurnServerModel::Settings s;
        s.listen = *parse_endpoint("198.51.100.1:443");
        s.relay_v4 = *parse_address("198.51.100.3");
        s.reliable = true;
        return s;
      }()) {
  a = std::make_unique<SimulatedPeer>(*this, random.draw(), 1, site_a, true);
  b = std::make_unique<SimulatedPeer>(*this, random.draw(), 2, site_b, false);
  // The offer reaches b, its answer a; candidates trickle behind them.
  a->signal([mine = a->agent.credentials(), ta = a->agent.pacing()](SimulatedPeer& peer, Time at) {
    peer.agent.set_remote(mine, at, ta);
    peer.answer();
    peer.gather(at);
  });
  a->gather(now);
}

void Simulation::later(Duration after, std::function<void(Time)> action) {
  queue_.push({now + after, ++order_, std::move(action)});
}

void Simulation::stream(bool, Duration after, std::function<void(Time)> action) {
  // Equal delays keep their order: one clock for all streams.
  later(after, std::move(action));
}

void Simulation::transmit(Datagram datagram) {
  const bool stream_to_client = datagram.from == tcp_server.settings.listen;
  const auto chance = [&] { return static_cast<double>(random.below(1'000'000)) / 1e6; };
  if (stream_to_client) {
    stream(true, path.delay, [this, d = std::move(datagram)](Time at) { arrive(d, at); });
    return;
  }
  if (chance() < path.loss) return;
  const int copies = chance() < path.duplicates ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    const auto jitter = path.jitter > 0us
                            ? Duration(static_cast<long>(random.below(static_cast<std::uint64_t>(path.jitter.count()))))
                            : 0us;
    later(path.delay + jitter, [this, datagram](Time at) { arrive(datagram, at); });
  }
}

void Simulation::arrive(const Datagram& datagram, Time at) {
  if (cut) return;
  for (auto* server : {&udp_server, &tcp_server}) {
    if (!server->owns(datagram.to)) continue;
    for (auto& out : server->receive(datagram, at)) transmit(std::move(out));
    return;
  }
  const bool direct =
      datagram.from.address != udp_server.settings.relay_v4 && datagram.from.address != tcp_server.settings.relay_v4;
  if (direct && cut_direct) return;
  for (auto* peer : {a.get(), b.get()}) {
    if (peer->owns(datagram.to)) peer->arrive(datagram, at);
  }
}

bool Simulation::run(Duration time, const std::function<bool()>& fact) {
  const Time until = now + time;
  while (!fact()) {
    std::optional<Time> at = queue_.empty() ? std::nullopt : std::optional(queue_.top().at);
    at = earlier(at, earlier(a->next(), b->next()));
    if (!at || *at > until) {
      now = until;
      return fact();
    }
    now = std::max(now, *at);
    if (!queue_.empty() && queue_.top().at <= now) {
      const auto action = queue_.top();
      queue_.pop();
      action.run(now);
      continue;
    }
    if (a->next() && *a->next() <= now) a->wake(now);
    if (b->next() && *b->next() <= now) b->wake(now);
  }
  return true;
}

}  // namespace crypelab::client
