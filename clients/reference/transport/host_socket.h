#pragma once

#include "clients/reference/ice/route.h"
#include "clients/reference/random.h"
#include "clients/reference/stun/server_binding.h"
#include "clients/reference/transport/udp_socket.h"

#include <list>
#include <memory>

#include <boost/asio/steady_timer.hpp>

namespace crypelab::client::transport {

// The UDP socket of one host candidate, and what STUN servers say of how it is seen outside.
class HostSocket final : UdpSocket::Receiver {
 public:
  // Called from the event loop. May destroy the socket in `received` and `unreachable`.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void received(const ice::Route& route, wire::Bytes datagram) = 0;
    virtual void unreachable(const ice::Route& route) = 0;
    // Another address than before, by what `server` saw.
    virtual void reflexive(ice::Base base, const Endpoint& local, const Endpoint& mapped, const Address& server) = 0;
  };
  static constexpr std::size_t most_servers = 6;

  static Result<std::unique_ptr<HostSocket>> open(boost::asio::any_io_executor executor, ice::Base base,
                                                  const Endpoint& local, Random& random, Listener& listener,
                                                  const Misbehaviour& misbehaviour);
  ~HostSocket() override;

  ice::Base base() const { return base_; }
  const Endpoint& local() const { return socket_->local(); }
  void send(const Endpoint& to, wire::Bytes bytes) { socket_->send(to, bytes); }
  void flush() { socket_->flush(); }
  // Of this socket's family; more than `most_servers` are not asked.
  void ask(const Endpoint& server);
  // Whether all servers have answered, or will not.
  bool decided() const;
  // ICE has ended: the addresses are kept alive no more.
  void conclude();

 private:
  struct Asked final : stun::Output {
    Asked(HostSocket& owner, const Endpoint& at, stun::ServerBinding::Settings settings, Random& random, Time now);
    void send(wire::Bytes message) override { socket.socket_->send(server, message); }
    HostSocket& socket;
    Endpoint server;
    std::optional<Endpoint> told;
    stun::ServerBinding binding;
  };
  HostSocket(const boost::asio::any_io_executor& executor, ice::Base base, Random& random, Listener& listener,
             const Misbehaviour& misbehaviour);
  void datagram(const Endpoint& from, wire::Bytes bytes) override;
  void unreachable(const Endpoint& to, int error) override;
  void tell();
  void arm();

  ice::Base base_;
  Random& random_;
  Listener& listener_;
  Misbehaviour misbehaviour_;
  std::unique_ptr<UdpSocket> socket_;
  std::list<Asked> asked_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace crypelab::client::transport
