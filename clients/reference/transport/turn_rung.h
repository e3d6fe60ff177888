#pragma once

#include "clients/reference/transport/dialer.h"
#include "clients/reference/transport/ice_server.h"
#include "clients/reference/transport/udp_socket.h"
#include "clients/reference/turn/allocation.h"

#include <memory>
#include <optional>
#include <string>

namespace crypelab::client::transport {

// How one way to a TURN server went.
struct RungReport {
  IceUri uri;
  std::optional<Endpoint> server;  // that was asked last; of a tunnel unknown
  bool via_proxy = false;
  enum class State {
    trying,   // still, and longer than it should: `trouble` says what is missing so far
    relayed,  // there is an allocation
    failed,   // there is none: `trouble`
    lost,     // there was one: `trouble`
    waiting,  // the server wants to be left alone for a while: `trouble`
  } state = State::trying;
  Trouble trouble;
};

// One way to one TURN server: its transport, the local address that it leaves from, and the allocation at its end. It
// tries again as RFC 8656 §7.4 and the server's record say: other ports, redirections, pauses. Ends with the object.
class TurnRung {
 public:
  // Called from the event loop, never from within the rung's functions. May not destroy the rung.
  class Listener {
   public:
    virtual ~Listener() = default;
    // `allocation()` has relayed addresses. Again after it was lost and made anew.
    virtual void allocated(TurnRung& rung) = 0;
    virtual void received(TurnRung& rung, const turn::PeerData& data) = 0;
    virtual void permission(TurnRung& rung, const Address& peer, bool granted) = 0;
    virtual void told(TurnRung& rung, const RungReport& report) = 0;
  };
  struct Settings {
    IceUri uri;
    std::string username;
    std::string credential;
    Address from;                   // for UDP: where to bind; 0.0.0.0 or :: let the kernel choose
    std::optional<Address> server;  // for UDP: which of the host's addresses; absent: the first of the family of `from`
    turn::AddressFamilies families = turn::AddressFamilies::both;
    std::string software = "crypelab";
    bool keep_trying = false;                               // after an allocation was lost: make another
    Duration slow = 9s;                                     // `trying` is told after that
    Duration connect_time = 12s;                            // for TCP, tunnel and TLS together
    UdpSocket::Offload offload = UdpSocket::Offload::none;  // of UDP to the server
    Misbehaviour misbehaviour;
  };

  // `record` is shared by all rungs to one server. All must outlive the rung.
  TurnRung(boost::asio::any_io_executor executor, Settings settings, turn::ServerRecord& record, Dialer& dialer,
           Resolver& resolver, Random& random, Listener& listener);
  ~TurnRung();
  TurnRung(const TurnRung&) = delete;
  TurnRung& operator=(const TurnRung&) = delete;

  void start();
  bool started() const;
  const Settings& settings() const;
  const RungReport& report() const;
  // Refused by a proxy that may have too many connections: `start` again when another one has ended.
  bool crowded_out() const;
  // Present from `allocated` until it is lost or closed.
  turn::Allocation* allocation();
  bool via_proxy() const;
  Address local() const;  // that its connection leaves from; 0.0.0.0 when there is none
  // Through the allocation; false when there is none, no permission, or no room.
  bool send(const Endpoint& peer, wire::Bytes payload);
  void permit(const Address& peer);
  // Prefers ChannelData for this peer from now on.
  void bind(const Endpoint& peer);
  void flush();

  // Deletes the allocation, waits until the server has said so, or 2 s, and ends the connection in order. Afterwards
  // the rung does nothing more.
  Awaitable<void> close();

 private:
  class Body;
  std::shared_ptr<Body> body_;
};

}  // namespace crypelab::client::transport
