#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>

namespace crypelab::signaling {

// Operations of a client in a test, one after another, each with a deadline of five seconds.
class Loop {
 public:
  using Error = boost::system::error_code;
  boost::asio::io_context& io() { return io_; }
  // Runs until `start`'s handler was called; throws when that takes too long.
  Error run(const std::function<void(std::function<void(Error)>)>& start);

 private:
  boost::asio::io_context io_;
};

// A TLS connection that says exactly what the test wants.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, bool handshake = true);

  void send(std::string_view bytes);
  struct Answer {
    unsigned status = 0;
    std::string body;
    boost::beast::http::fields fields;
  };
  // The next HTTP response; status 0 when the connection ended instead.
  Answer receive();
  Answer ask(std::string_view method, std::string_view target, std::string_view token, std::string_view body = {});
  // Whether the server closes, within the deadline, without sending anything more.
  bool is_closed();

 private:
  Loop loop_;
  boost::asio::ssl::context tls_{boost::asio::ssl::context::tls_client};
  boost::asio::ssl::stream<boost::asio::ip::tcp::socket> stream_;
  boost::beast::flat_buffer buffer_;
};

// Beast's own WebSocket client.
class SocketClient {
 public:
  enum class Credential { header, subprotocol };
  // `receive_buffer`: bytes that the kernel holds unread, 0 for what it thinks right.
  SocketClient(std::uint16_t port, std::string_view room, std::string_view peer, std::uint64_t after = 0,
               Credential credential = Credential::header, int receive_buffer = 0);

  void send(std::string_view text);
  void send_binary(std::string_view bytes);
  // The next message; empty when the connection ended (then `close_code` says how).
  std::string receive();
  // The next message that is no pong.
  std::string hear();
  void close();
  // Ends the connection without any farewell.
  void cut();
  std::uint16_t close_code() const { return ws_.reason().code; }

 private:
  Loop loop_;
  boost::asio::ssl::context tls_{boost::asio::ssl::context::tls_client};
  boost::beast::websocket::stream<boost::asio::ssl::stream<boost::asio::ip::tcp::socket>> ws_;
  boost::beast::flat_buffer buffer_;
};

// The `seq` of a message's text, 0 when it has none.
std::uint64_t seq_of(std::string_view text);
std::string candidate(std::uint64_t seq, std::string_view words = "candidate:1");

}  // namespace crypelab::signaling
