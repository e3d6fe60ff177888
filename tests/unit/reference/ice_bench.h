#pragma once

#include "clients/reference/ice/agent.h"
#include "seeded_random.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace crypelab::client::ice {

using Type = wire::IceCandidate::Type;
using Transport = wire::IceCandidate::Transport;
using TcpType = wire::IceCandidate::TcpType;
using PairState = CandidatePair::State;

inline const Endpoint here = *parse_endpoint("192.0.2.1:5000");
inline const Endpoint there = *parse_endpoint("203.0.113.5:6000");
inline constexpr Base base = 1;

// One agent; the test plays its peer, its sockets and the clock.
struct Bench : Output {
  struct Packet {
    Route route;
    std::vector<std::uint8_t> bytes;
    wire::StunMessage stun() const { return *wire::StunMessage::parse(bytes); }
  };
  SeededRandom random{5};
  Time start = Time(1h);
  Time now = start;
  std::vector<Packet> sent;
  std::vector<std::string> delivered;
  std::vector<Route> opened;
  std::vector<Event> events;
  Agent agent;
  Credentials peer{"peer", "0123456789012345678901"};

  explicit Bench(Agent::Settings settings = {}) : agent(std::move(settings), random, *this) {}

  void send(const Route& route, wire::Bytes bytes) override { sent.push_back({route, {bytes.begin(), bytes.end()}}); }
  void deliver(wire::Bytes packet) override { delivered.emplace_back(wire::text_of(packet)); }
  void connect(const Route& route) override { opened.push_back(route); }
  void permit(Base, const Address&) override {}

  void begin() {
    agent.add_local({.base = base, .address = here, .related = here}, now);
    agent.set_remote(peer, now);
  }
  static wire::IceCandidate remote(const Endpoint& address, unsigned number = 1) {
    return {.foundation = std::to_string(number),
            .priority = 2130706431u - number,
            .host = to_string(address.address),
            .port = address.port};
  }
  void run(Duration time) {
    const Time until = now + time;
    while (agent.next() && *agent.next() <= until) {
      now = std::max(now, *agent.next());
      agent.wake(now);
      drain();
    }
    now = until;
    drain();
  }
  void drain() {
    while (auto event = agent.poll()) events.push_back(std::move(*event));
  }
  std::size_t count(Event::Kind kind) {
    drain();
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [&](const Event& e) { return e.kind == kind; }));
  }
  // The peer answers the agent's last request.
  void answer(const Route& from, unsigned code = 0) {
    const auto request = std::find_if(sent.rbegin(), sent.rend(), [](const Packet& p) {
      return p.stun().message_class() == wire::StunClass::request;
    });
    ASSERT_NE(request, sent.rend());
    CheckBuffer buffer;
    const auto bytes = code == 0 ? write_check_success(buffer, request->stun().transaction(), here, peer)
                                 : write_check_error(buffer, request->stun(), code, &peer);
    agent.receive(from, bytes, now);
    drain();
  }
  // The peer checks the agent.
  wire::Bytes check(CheckBuffer& buffer, CheckRequest request, Misbehaviour misbehaviour = {}) {
    return write_check(buffer, random.bytes<12>(), request, peer, agent.credentials(), misbehaviour);
  }
  void checked(const Endpoint& from, CheckRequest request, Misbehaviour misbehaviour = {}) {
    CheckBuffer buffer;
    agent.receive({base, from}, check(buffer, request, misbehaviour), now);
    drain();
  }
  void connect_as_controlling() {
    begin();
    agent.add_remote(remote(there), now);
    run(1ms);
    answer({base, there});
    run(200ms);
    answer({base, there});
    ASSERT_EQ(agent.state(), State::connected);
  }
};

inline constexpr CheckRequest controlled{.priority = 77, .controlling = false, .tiebreaker = 1};
inline constexpr CheckRequest controlling{.priority = 77, .controlling = true, .tiebreaker = 1};

}  // namespace crypelab::client::ice
