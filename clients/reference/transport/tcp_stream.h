#pragma once

#include "clients/reference/transport/stream.h"

#include <memory>

#include <boost/asio/ip/tcp.hpp>

namespace crypelab::client::transport {

// One TCP connection.
class TcpStream final : public Stream {
 public:
  explicit TcpStream(boost::asio::ip::tcp::socket socket);
  ~TcpStream() override;

  using Stream::write;
  Awaitable<ReadResult> read_some(std::span<std::uint8_t> into) override;
  bool write(std::span<const wire::Bytes> pieces) override;
  std::size_t queued() const override;
  Awaitable<Error> drained(std::size_t most) override;
  void close() override;
  void abort() override;
  Endpoint local() const override { return local_; }
  Endpoint remote() const override { return remote_; }

 private:
  class Body;
  std::shared_ptr<Body> body_;
  Endpoint local_;
  Endpoint remote_;
};

Endpoint endpoint_of(const boost::asio::ip::tcp::endpoint& endpoint);
boost::asio::ip::tcp::endpoint tcp_endpoint(const Endpoint& endpoint);

}  // namespace crypelab::client::transport
