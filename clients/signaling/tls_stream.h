#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>
#include <openssl/ssl.h>

namespace crypelab::signaling {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

// A server context from PEM files: TLS 1.2 and 1.3, HTTP/1.1 by ALPN. Throws Failure{data}.
TlsContext server_context(const std::string& certificate, const std::string& key);

// A server's TLS over one TCP connection, an AsyncStream for Beast. OpenSSL reads and writes the socket itself, and its
// buffers are given back between records: an idle connection holds no input or output buffer at all (asio::ssl::stream
// holds 68 kB). One read and one write at a time, on one thread.
//
// What is kept goes out with the next flush: many small messages in one record, by one system call.
class TlsStream {
 public:
  using executor_type = boost::asio::any_io_executor;
  using Socket = boost::asio::ip::tcp::socket;

  TlsStream(Socket socket, SSL_CTX& context);

  executor_type get_executor() { return socket_.get_executor(); }
  Socket& socket() { return socket_; }

  template <class Token>
  auto async_handshake(Token&& token) {
    return boost::asio::async_compose<Token, void(boost::system::error_code)>(
        [this, started = false](auto& self, boost::system::error_code error = {}) mutable {
          if (!std::exchange(started, true)) return socket_.async_wait(Socket::wait_read, std::move(self));
          if (!error && wait(handshake(), error, self)) return;
          self.complete(error);
        },
        token, socket_);
  }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
        [this, buffer = first_of(buffers), step = Step::first, n = std::size_t{0}](
            auto& self, boost::system::error_code error = {}) mutable {
          // Most reads start before their data is there: do not ask in vain.
          if (step == Step::first && buffer.size() > 0 && SSL_has_pending(ssl_.get()) == 0) {
            step = Step::waited;
            return socket_.async_wait(Socket::wait_read, std::move(self));
          }
          const bool first = step == Step::first;
          if (step != Step::done && !error && buffer.size() > 0) {
            step = Step::waited;
            if (wait(read(buffer, n), error, self)) return;
          }
          if (first) {
            step = Step::done;
            return boost::asio::post(socket_.get_executor(),
                                     Again<std::decay_t<decltype(self)>>{std::move(self), error});
          }
          self.complete(error, n);
        },
        token, socket_);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
        [this, buffers, step = Step::first, n = std::size_t{0}](auto& self,
                                                                boost::system::error_code error = {}) mutable {
          const bool first = step == Step::first;
          if (first) n = take(buffers);
          if (step != Step::done && !error) {
            step = Step::waited;
            if (wait(write(), error, self)) return;
            if (error) n = 0;
          }
          if (first) {
            step = Step::done;
            return boost::asio::post(socket_.get_executor(),
                                     Again<std::decay_t<decltype(self)>>{std::move(self), error});
          }
          self.complete(error, n);
        },
        token, socket_);
  }

  // What is kept goes out before all that is written later, and with the next flush.
  void keep(std::string_view bytes) { kept_ += bytes; }
  std::size_t kept() const { return kept_.size(); }
  // Nothing can be sent any more.
  bool broken() const { return failure_.failed(); }
  // Sends what is kept; true when that is done, or the connection is broken, which whoever reads is told. Otherwise
  // async_flush does the rest.
  bool flush() {
    const Want want = write();
    return want == Want::nothing || want == Want::failed;
  }
  template <class Token>
  auto async_flush(Token&& token) {
    return boost::asio::async_compose<Token, void(boost::system::error_code)>(
        [this, started = false](auto& self, boost::system::error_code error = {}) mutable {
          if (!std::exchange(started, true)) return socket_.async_wait(Socket::wait_write, std::move(self));
          if (!error && wait(write(), error, self)) return;
          self.complete(error);
        },
        token, socket_);
  }

  // Says goodbye (close_notify) if it can be said at once, and closes.
  void close();

 private:
  enum class Step : std::uint8_t { first, waited, done };
  // What OpenSSL wants before the call can be repeated.
  enum class Want : std::uint8_t { nothing, read, write, failed };
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };

  // Carries an outcome over a post: a completion handler must not run inside the function that starts the operation.
  template <class Self>
  struct Again {
    Self self;
    boost::system::error_code error;
    void operator()() { self(error); }
    using executor_type = typename Self::executor_type;
    executor_type get_executor() const noexcept { return self.get_executor(); }
    using allocator_type = typename Self::allocator_type;
    allocator_type get_allocator() const noexcept { return self.get_allocator(); }
  };

  template <class Buffers>
  static boost::asio::mutable_buffer first_of(const Buffers& buffers) {
    for (auto one = boost::asio::buffer_sequence_begin(buffers); one != boost::asio::buffer_sequence_end(buffers);
         ++one) {
      const boost::asio::mutable_buffer buffer(*one);
      if (buffer.size() > 0) return buffer;
    }
    return {};
  }
  // As much of the buffers as one TLS record takes; how much that is.
  template <class Buffers>
  std::size_t take(const Buffers& buffers) {
    const std::size_t n = std::min(boost::asio::buffer_size(buffers), largest_record);
    const std::size_t before = kept_.size();
    kept_.resize(before + n);
    return boost::asio::buffer_copy(boost::asio::buffer(kept_.data() + before, n), buffers);
  }
  // Waits for what is wanted, then calls `self` again; false when there is nothing to wait for.
  template <class Self>
  bool wait(Want want, boost::system::error_code& error, Self& self) {
    if (want == Want::failed) error = failure_;
    if (want == Want::nothing || want == Want::failed) return false;
    socket_.async_wait(want == Want::read ? Socket::wait_read : Socket::wait_write, std::move(self));
    return true;
  }

  Want handshake();
  Want read(boost::asio::mutable_buffer buffer, std::size_t& n);
  // All that is kept. What OpenSSL could not send is still there when it is asked again, as it demands of a repeated
  // write; more may stand behind it.
  Want write();
  Want judge(int result);

  static constexpr std::size_t largest_record = SSL3_RT_MAX_PLAIN_LENGTH;

  Socket socket_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::string kept_;  // what is to be sent; no memory while that is nothing
  boost::system::error_code failure_;
};

// What Beast calls when a time-out is over, and when a closing handshake is.
inline void beast_close_socket(TlsStream& stream) { stream.close(); }
void teardown(boost::beast::role_type role, TlsStream& stream, boost::system::error_code& error);
template <class Handler>
void async_teardown(boost::beast::role_type, TlsStream& stream, Handler&& handler) {
  stream.close();
  boost::asio::post(stream.get_executor(),
                    boost::beast::bind_front_handler(std::forward<Handler>(handler), boost::system::error_code{}));
}

}  // namespace crypelab::signaling
