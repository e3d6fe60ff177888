#pragma once

#include "harness/base/address.h"
#include "harness/base/result.h"
#include "harness/wire/bytes.h"

#include <memory>

#include <boost/asio/any_io_executor.hpp>

namespace crypelab::client::transport {

// One UDP socket, on one thread. Datagrams come and go in batches (recvmmsg, sendmmsg).
class UdpSocket {
 public:
  // Called from the event loop, never from within `send`. May destroy the socket.
  class Receiver {
   public:
    virtual ~Receiver() = default;
    virtual void datagram(const Endpoint& from, wire::Bytes bytes) = 0;
    // A hard ICMP error came back for a datagram to `to` (RFC 8445 §7.2.5.2.2): port, host, protocol unreachable,
    // prohibited. `error` is an errno.
    virtual void unreachable(const Endpoint& to, int error) = 0;
  };
  static constexpr std::size_t largest_datagram = 65'535;

  // Whether the kernel may be handed many datagrams as one message that it cuts (UDP_SEGMENT), and may hand over what
  // it has put together (UDP_GRO), where it knows how. It saves both sides' way through the kernel's network, and shows
  // in captures: a message crosses interfaces whose segmentation is left to the next one as a single packet, which none
  // of the wire is. So it is for load, and not for a client whose packets are judged.
  enum class Offload { none, segments };

  // Bound to that address; port 0 takes a free one. A complaint says why not.
  static Result<std::unique_ptr<UdpSocket>> open(boost::asio::any_io_executor executor, const Endpoint& local,
                                                 Receiver& receiver, Offload offload = Offload::none);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  const Endpoint& local() const;
  // Goes at the end of this turn of the event loop at the latest, or when 64 have gathered. A datagram that the kernel
  // has no room for is lost, as it may be; false when it is.
  bool send(const Endpoint& to, wire::Bytes bytes);
  void flush();

 private:
  class Body;
  explicit UdpSocket(std::shared_ptr<Body> body);
  std::shared_ptr<Body> body_;
};

}  // namespace crypelab::client::transport
