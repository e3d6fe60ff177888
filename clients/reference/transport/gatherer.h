#pragma once

#include "clients/reference/ice/agent.h"
#include "clients/reference/transport/turn_rung.h"

#include <memory>
#include <span>
#include <vector>

namespace crypelab::client::transport {

// Everything that an ICE agent needs of the machine: sockets on its addresses, their server-reflexive addresses, relays
// over every transport that leads to one, TCP candidates. It carries what the agent sends, and hands it what arrives.
//
// TURN transports are tried side by side: the better ones (UDP, TCP, TLS) have a head start, and a worse one is not
// begun, or is given up, once a better one has a relay (RFC 8656 §3.9).
class Gatherer : public ice::Output {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // What the peer sent over the agent's path.
    virtual void deliver(wire::Bytes packet) = 0;
    // The agent was told something, or has sent: poll it, and look at `Agent::next` again. Not called for what happens
    // within the functions of the gatherer itself.
    virtual void stirred() = 0;
    virtual void told(const RungReport& report) = 0;
  };
  struct Settings {
    std::vector<IceServer> servers;
    bool relay_only = false;
    bool non_proxied_udp = true;         // false: nothing but what a proxy carries (RFC 8828 mode 4)
    bool tcp_candidates = true;          // RFC 6544
    bool allow_loopback = false;         // for tests on one machine
    Duration head_start = 300ms;         // of UDP over TCP, and of TCP over TLS
    Duration proxied_head_start = 50ms;  // the same where a proxy is the way out
    Duration patience = 12s;             // after which the agent is told that there are no more candidates
    std::string software = "crypelab";
    Misbehaviour misbehaviour;
  };

  Gatherer(boost::asio::any_io_executor executor, Settings settings, Dialer& dialer, Resolver& resolver, Random& random,
           Listener& listener);
  ~Gatherer() override;

  // The agent must outlive this, or `close`. Its candidates come from now on.
  void start(ice::Agent& agent);
  // Before ICE restarts: addresses that are gone are taken from the agent, new ones and relays that are missing added.
  void gather_again();
  // New credentials for the TURN servers (theirs expire): used by the next allocations, which `gather_again` begins.
  void change_servers(std::vector<IceServer> servers);
  // ICE has chosen: relays that the path does not use are given back after a minute, reflexive addresses kept no more.
  void concluded(const ice::PathInfo& path);
  // Paths over this kind die as soon as they are used (networks.md N7): relays over it, and with UDP all that goes over
  // UDP, are given up and not made again, unless nothing else is left.
  void distrust(ice::RelayedOver over);
  // Another network, or nothing else helped either.
  void trust_again();
  std::vector<RungReport> reports() const;
  // Deletes every allocation and waits for the answers, 3 s at most.
  Awaitable<void> close();

  void send(const ice::Route& route, wire::Bytes bytes) override;
  void deliver(wire::Bytes packet) override;
  void connect(const ice::Route& route) override;
  void permit(ice::Base base, const Address& peer) override;

 private:
  class Body;
  std::shared_ptr<Body> body_;
};

// Of all rungs that gave nothing, the trouble that tells most: what is certain before what is silent.
std::optional<Trouble> most_telling(std::span<const RungReport> reports);

}  // namespace crypelab::client::transport
