#pragma once

#include "clients/reference/ice/route.h"
#include "clients/reference/transport/stream.h"

#include <memory>
#include <optional>

#include <boost/asio/any_io_executor.hpp>

namespace crypelab::client::transport {

// The TCP connections between ICE agents (RFC 6544): one listener and one willingness to connect for each local
// address.
class IceTcp {
 public:
  // Called from the event loop.
  class Listener {
   public:
    virtual ~Listener() = default;
    // False: it is refused, and nothing more is told of it.
    virtual bool connected(const ice::Route& route) = 0;
    virtual void received(const ice::Route& route, wire::Bytes bytes) = 0;
    virtual void disconnected(const ice::Route& route) = 0;
  };
  static constexpr std::size_t most_connections = 128;

  IceTcp(boost::asio::any_io_executor executor, Listener& listener);
  ~IceTcp();

  // The port that `passive` listens on, or nothing when that cannot be.
  std::optional<std::uint16_t> listen(ice::Base passive, const Address& local);
  void may_connect(ice::Base active, const Address& local);
  void remove(ice::Base base);
  // From an active base; `connected` or `disconnected` follows, after 10 s at most.
  void connect(const ice::Route& route);
  bool knows(ice::Base base) const;
  // Lost when the connection has no room for it.
  void send(const ice::Route& route, wire::Bytes bytes);

 private:
  class Body;
  std::shared_ptr<Body> body_;
};

}  // namespace crypelab::client::transport
