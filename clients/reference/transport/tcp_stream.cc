#include "clients/reference/transport/tcp_stream.h"

#include "harness/base/socket_address.h"

#include <array>
#include <chrono>
#include <cstring>
#include <optional>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/socket.h>
#include <sys/uio.h>

namespace crypelab::client::transport {

using boost::asio::ip::tcp;

Endpoint endpoint_of(const tcp::endpoint& endpoint) {
  SocketAddress address;
  std::memcpy(address.data(), endpoint.data(), endpoint.size());
  *address.size_for_kernel() = static_cast<socklen_t>(endpoint.size());
  return address.endpoint();
}

tcp::endpoint tcp_endpoint(const Endpoint& endpoint) {
  const SocketAddress address(endpoint);
  tcp::endpoint result(endpoint.address.is_v6() ? tcp::v6() : tcp::v4(), endpoint.port);
  std::memcpy(result.data(), address.data(), address.size());
  return result;
}

class TcpStream::Body : public std::enable_shared_from_this<Body> {
 public:
  explicit Body(tcp::socket socket) : socket_(std::move(socket)), changed_(socket_.get_executor()) {
    Error ignored;
    socket_.native_non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
    changed_.expires_at(std::chrono::steady_clock::time_point::max());
  }

  tcp::socket& socket() { return socket_; }
  std::size_t queued() const { return queue_.size() - sent_; }

  bool write(std::span<const wire::Bytes> pieces) {
    if (broken_ || closing_ || queued() >= most_queued) return false;
    std::size_t gone = queued() == 0 ? send_now(pieces) : 0;
    if (broken_) return false;
    for (const auto& piece : pieces) {
      const auto skipped = std::min(gone, piece.size());
      gone -= skipped;
      queue_.insert(queue_.end(), piece.begin() + static_cast<std::ptrdiff_t>(skipped), piece.end());
    }
    pump();
    return true;
  }

  static Awaitable<Error> drained(std::shared_ptr<Body> body, std::size_t most) {
    while (body->queued() > most && !body->broken_) co_await body->changed_.async_wait(use);
    co_return body->broken_;
  }

  void close() {
    if (closing_) return;
    closing_ = true;
    if (queued() == 0) return finish();
    // What is queued gets this long to leave.
    limit_.emplace(socket_.get_executor(), std::chrono::seconds(2));
    limit_->async_wait([self = shared_from_this()](Error error) {
      if (!error) self->fail(boost::asio::error::timed_out);
    });
  }

  void abort() {
    Error ignored;
    if (socket_.is_open()) socket_.set_option(boost::asio::socket_base::linger(true, 0), ignored);
    fail(boost::asio::error::operation_aborted);
  }

  void abandon() {
    if (!closing_ || queued() == 0) fail(boost::asio::error::operation_aborted);
  }

 private:
  std::size_t send_now(std::span<const wire::Bytes> pieces) {
    std::array<iovec, 16> parts{};
    std::size_t count = 0;
    for (const auto& piece : pieces) {
      if (piece.empty()) continue;
      if (count == parts.size()) break;
      parts[count++] = {const_cast<std::uint8_t*>(piece.data()), piece.size()};
    }
    if (count == 0) return 0;
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const auto n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) fail({errno, boost::system::system_category()});
    return 0;
  }

  void pump() {
    if (pumping_ || queued() == 0 || broken_) return;
    pumping_ = true;
    socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](Error error) {
      self->pumping_ = false;
      if (error) return self->fail(error);
      const wire::Bytes rest = wire::Bytes(self->queue_).subspan(self->sent_);
      self->sent_ += self->send_now({&rest, 1});
      if (self->queued() == 0) {
        self->queue_.clear();
        self->sent_ = 0;
        if (self->queue_.capacity() > 64 * 1024) self->queue_.shrink_to_fit();
      } else if (self->sent_ > most_queued) {
        self->queue_.erase(self->queue_.begin(), self->queue_.begin() + static_cast<std::ptrdiff_t>(self->sent_));
        self->sent_ = 0;
      }
      self->changed_.cancel();
      if (self->queued() == 0 && self->closing_) self->finish();
      self->pump();
    });
  }

  void finish() {
    limit_.reset();
    Error ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    socket_.cancel(ignored);
  }

  void fail(Error error) {
    if (!broken_) broken_ = error;
    limit_.reset();
    Error ignored;
    socket_.close(ignored);
    changed_.cancel();
  }

  tcp::socket socket_;
  boost::asio::steady_timer changed_;
  std::optional<boost::asio::steady_timer> limit_;
  std::vector<std::uint8_t> queue_;
  std::size_t sent_ = 0;  // of the queue
  bool pumping_ = false;
  bool closing_ = false;
  Error broken_;
};

TcpStream::TcpStream(tcp::socket socket) {
  Error ignored;
  local_ = endpoint_of(socket.local_endpoint(ignored));
  remote_ = endpoint_of(socket.remote_endpoint(ignored));
  body_ = std::make_shared<Body>(std::move(socket));
}

TcpStream::~TcpStream() { body_->abandon(); }

Awaitable<ReadResult> TcpStream::read_some(std::span<std::uint8_t> into) {
  const auto body = body_;
  if (!body->socket().is_open()) co_return ReadResult{boost::asio::error::operation_aborted, 0};
  const auto [error, size] =
      co_await body->socket().async_read_some(boost::asio::buffer(into.data(), into.size()), use);
  co_return ReadResult{error, size};
}

bool TcpStream::write(std::span<const wire::Bytes> pieces) { return body_->write(pieces); }
std::size_t TcpStream::queued() const { return body_->queued(); }
Awaitable<Error> TcpStream::drained(std::size_t most) { return Body::drained(body_, most); }
void TcpStream::close() { body_->close(); }
void TcpStream::abort() { body_->abort(); }

}  // namespace crypelab::client::transport
