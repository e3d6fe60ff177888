#pragma once

#include "harness/probe/arrivals.h"
#include "harness/probe/binding_server.h"
#include "harness/probe/dialogue.h"

#include <map>
#include <random>
#include <string>
#include <vector>

namespace crypelab::probe {

// What one host of the internet may keep and cause here: the reflector stands in the open.
struct ReflectorLimits {
  std::size_t sessions = 512;  // of 9 KiB at most; the one that was silent longest gives way
  std::size_t sources = 16;    // that send at the same time
  std::uint32_t source_packets = max_number;
  Duration source_time = std::chrono::seconds(30);
  std::uint32_t big_packets = 4096;  // a session
};

// The far side of the measurement over UDP, without clock and socket. It answers STUN Binding requests (RFC 5780) and
// the packets of packet.h. Whoever wants more bytes than he sends must have proved first, by a session's number, that
// he receives at his address.
class Reflector {
 public:
  struct Seen {  // a Binding request
    std::string token;
    std::size_t socket = 0;
    Endpoint from;
  };

  Reflector(std::vector<Endpoint> sockets, std::uint64_t seed, ReflectorLimits limits = {});

  const std::vector<Endpoint>& sockets() const { return sockets_; }
  void receive(std::size_t socket, const Endpoint& from, wire::Bytes bytes, Time now);
  // An ICMP "too big" about a packet that was sent to `to`.
  void too_big(const Endpoint& to, std::uint32_t mtu);
  void wake(Time now);
  std::optional<Time> next() const;
  std::vector<Outgoing> take() { return std::exchange(outgoing_, {}); }
  std::vector<Seen> take_seen() { return std::exchange(seen_, {}); }

 private:
  struct Session {
    Endpoint peer;
    std::size_t socket = 0;
    Arrivals arrivals;
    std::uint32_t returned = 0;
    std::uint32_t big = 0;
    std::uint32_t too_big = 0;
    Time last{0};
  };
  struct Source {
    std::uint64_t session = 0;
    std::size_t socket = 0;
    Endpoint to;
    std::uint32_t size = 0;
    std::uint32_t sent = 0;
    std::uint32_t count = 0;
    Duration interval{0};
    Time begin{0};
  };

  void answer(std::size_t socket, const Endpoint& from, const Packet& packet, std::size_t size, Time now);
  std::uint64_t open_session(std::size_t socket, const Endpoint& from, Time now);
  Session* find_session(const Packet& packet, std::size_t socket, const Endpoint& from);
  void open_source(std::size_t socket, const Endpoint& from, const Packet& packet, Time now);
  void send(std::size_t socket, const Endpoint& to, std::vector<std::uint8_t> bytes, bool whole = false);

  std::vector<Endpoint> sockets_;
  std::mt19937_64 random_;
  ReflectorLimits limits_;
  std::map<std::uint64_t, Session> sessions_;
  std::vector<Source> sources_;
  std::vector<Outgoing> outgoing_;
  std::vector<Seen> seen_;
};

}  // namespace crypelab::probe
