#include "harness/probe/reflector.h"

#include "harness/probe/token.h"

#include <algorithm>

namespace crypelab::probe {
namespace {

constexpr std::uint32_t kLargestPayload = 8952;
constexpr std::uint32_t kBatch = 64;  // packets of a source in one go

}  // namespace

Reflector::Reflector(std::vector<Endpoint> sockets, std::uint64_t seed, ReflectorLimits limits)
    : sockets_(std::move(sockets)), random_(seed), limits_(limits) {}

void Reflector::send(std::size_t socket, const Endpoint& to, std::vector<std::uint8_t> bytes, bool whole) {
  outgoing_.push_back({static_cast<unsigned>(socket), to, std::move(bytes), whole});
}

void Reflector::receive(std::size_t socket, const Endpoint& from, wire::Bytes bytes, Time now) {
  if (const auto packet = decode_packet(bytes)) {
    answer(socket, from, *packet, bytes.size(), now);
  } else if (auto binding = answer_binding(sockets_, socket, from, bytes, false)) {
    seen_.push_back({token_text(binding->token), socket, from});
    send(binding->socket, binding->to, std::move(binding->bytes));
  }
}

std::uint64_t Reflector::open_session(std::size_t socket, const Endpoint& from, Time now) {
  if (sessions_.size() >= limits_.sessions) {
    sessions_.erase(std::ranges::min_element(sessions_, {}, [](const auto& entry) { return entry.second.last; }));
  }
  std::uint64_t id = 0;
  while (id == 0 || sessions_.contains(id)) id = random_();
  auto& session = sessions_[id];
  session.peer = from;
  session.socket = socket;
  session.last = now;
  return id;
}

Reflector::Session* Reflector::find_session(const Packet& packet, std::size_t socket, const Endpoint& from) {
  const auto found = sessions_.find(packet.session);
  if (found == sessions_.end() || found->second.peer != from || found->second.socket != socket) return nullptr;
  return &found->second;
}

void Reflector::answer(std::size_t socket, const Endpoint& from, const Packet& packet, std::size_t size, Time now) {
  const auto microseconds = static_cast<std::uint64_t>(now.count());
  auto* const session = find_session(packet, socket, from);
  if (session != nullptr) session->last = now;
  switch (packet.kind) {
    case Kind::hello:
      send(socket, from,
           encode_packet({.kind = Kind::welcome,
                          .session = open_session(socket, from, now),
                          .number = packet.number,
                          .microseconds = microseconds}));
      break;
    case Kind::echo: {
      Packet back{
          .kind = Kind::echoed, .session = packet.session, .number = packet.number, .microseconds = microseconds};
      if (session != nullptr) {
        session->arrivals.note(packet.number, size, now);
        back.parameter = ++session->returned;
      }
      send(socket, from, encode_packet(back, size));
      break;
    }
    case Kind::data:
      if (session != nullptr) session->arrivals.note(packet.number, size, now);
      break;
    case Kind::report_request:
      if (session != nullptr) {
        auto report = session->arrivals.report(packet.parameter);
        report.returned = session->returned;
        report.too_big = session->too_big;
        send(socket, from,
             encode_report({.kind = Kind::report, .session = packet.session, .number = packet.number}, report));
      }
      break;
    case Kind::source:
      if (session != nullptr) open_source(socket, from, packet, now);
      break;
    case Kind::big:
      send(socket, from,
           encode_packet({.kind = Kind::big_arrived, .session = packet.session, .number = packet.number}));
      break;
    case Kind::want_big:
      if (session != nullptr && packet.parameter <= kLargestPayload && session->big++ < limits_.big_packets) {
        send(socket, from,
             encode_packet({.kind = Kind::big, .session = packet.session, .number = packet.number}, packet.parameter),
             true);
      }
      break;
    default:
      break;  // what only we send
  }
}

void Reflector::open_source(std::size_t socket, const Endpoint& from, const Packet& packet, Time now) {
  const auto wanted = std::chrono::microseconds(std::min<std::uint64_t>(packet.microseconds, 1'000'000));
  const bool running =
      std::ranges::any_of(sources_, [&](const auto& source) { return source.session == packet.session; });
  if (running || sources_.size() >= limits_.sources || packet.number == 0) return;
  sources_.push_back({.session = packet.session,
                      .socket = socket,
                      .to = from,
                      .size = std::clamp<std::uint32_t>(packet.parameter, packet_header_size, 1472),
                      .count = std::min(packet.number, limits_.source_packets),
                      .interval = std::max<Duration>(wanted, std::chrono::microseconds(1)),
                      .begin = now});
  wake(now);
}

void Reflector::wake(Time now) {
  for (auto& source : sources_) {
    for (std::uint32_t i = 0; i < kBatch && source.sent < source.count; ++i) {
      if (source.begin + source.interval * source.sent > now) break;
      ++source.sent;
      send(source.socket, source.to,
           encode_packet({.kind = Kind::data,
                          .session = source.session,
                          .number = source.sent,
                          .parameter = source.count,
                          .microseconds = static_cast<std::uint64_t>(now.count())},
                         source.size));
    }
    // Who cannot send so much in that time ends in time all the same.
    const bool late = now - source.begin > source.interval * source.count;
    if (late || now - source.begin > limits_.source_time) source.count = source.sent;
  }
  std::erase_if(sources_, [](const auto& source) { return source.sent >= source.count; });
}

std::optional<Time> Reflector::next() const {
  std::optional<Time> next;
  for (const auto& source : sources_) {
    const Time due = source.begin + source.interval * source.sent;
    if (!next || due < *next) next = due;
  }
  return next;
}

void Reflector::too_big(const Endpoint& to, std::uint32_t mtu) {
  // The kernel tells the destination; where a NAT is in between that is the session's peer still, as it is seen here.
  for (auto& [id, session] : sessions_) {
    if (session.peer == to) session.too_big = std::max(mtu, 1u);
  }
}

}  // namespace crypelab::probe
