#include "loopback_client.h"

#include <stdexcept>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>

namespace crypelab::signaling {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

namespace {

asio::ip::tcp::endpoint loopback(std::uint16_t port) { return {asio::ip::address_v4::loopback(), port}; }

std::string base64url(std::string_view text) {
  std::string out(4 * (text.size() / 3 + 1) + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(n));
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (!out.empty() && out.back() == '=') out.pop_back();
  return out;
}

}  // namespace

Loop::Error Loop::run(const std::function<void(std::function<void(Error)>)>& start) {
  Error result;
  bool done = false;
  io_.restart();
  start([&](Error error) {
    result = error;
    done = true;
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!done && std::chrono::steady_clock::now() < deadline) io_.run_one_until(deadline);
  if (!done) throw std::runtime_error("the server did nothing for five seconds");
  return result;
}

RawClient::RawClient(std::uint16_t port, bool handshake) : stream_(loop_.io(), tls_) {
  stream_.next_layer().connect(loopback(port));
  if (!handshake) return;
  const Loop::Error error = loop_.run(
      [&](auto done) { stream_.async_handshake(asio::ssl::stream_base::client, [done](Loop::Error e) { done(e); }); });
  if (error) throw boost::system::system_error(error);
}

void RawClient::send(std::string_view bytes) {
  loop_.run([&](auto done) {
    asio::async_write(stream_, asio::buffer(bytes), [done](Loop::Error e, std::size_t) { done(e); });
  });
}

RawClient::Answer RawClient::receive() {
  http::response_parser<http::string_body> parser;
  parser.body_limit(8U << 20U);
  const Loop::Error error = loop_.run(
      [&](auto done) { http::async_read(stream_, buffer_, parser, [done](Loop::Error e, std::size_t) { done(e); }); });
  if (error) return {};
  const auto& message = parser.get();
  return {message.result_int(), message.body(), message.base()};
}

RawClient::Answer RawClient::ask(std::string_view method, std::string_view target, std::string_view token,
                                 std::string_view body) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n", method, target);
  if (!token.empty()) text += fmt::format("Authorization: Bearer {}\r\n", token);
  if (!body.empty()) text += fmt::format("Content-Length: {}\r\n", body.size());
  text += "\r\n";
  text += body;
  send(text);
  return receive();
}

bool RawClient::is_closed() {
  std::array<char, 1> byte{};
  const Loop::Error error = loop_.run([&](auto done) {
    stream_.next_layer().async_wait(asio::ip::tcp::socket::wait_read, [done](Loop::Error e) { done(e); });
  });
  if (error) return true;
  return static_cast<bool>(loop_.run([&](auto done) {
    stream_.async_read_some(asio::buffer(byte), [done](Loop::Error e, std::size_t) { done(e); });
  }));
}

SocketClient::SocketClient(std::uint16_t port, std::string_view room, std::string_view peer, std::uint64_t after,
                           Credential credential, int receive_buffer)
    : ws_(loop_.io(), tls_) {
  beast::get_lowest_layer(ws_).open(asio::ip::tcp::v4());
  if (receive_buffer > 0) {
    beast::get_lowest_layer(ws_).set_option(asio::socket_base::receive_buffer_size(receive_buffer));
  }
  beast::get_lowest_layer(ws_).connect(loopback(port));
  beast::get_lowest_layer(ws_).set_option(asio::ip::tcp::no_delay(true));
  Loop::Error error = loop_.run([&](auto done) {
    ws_.next_layer().async_handshake(asio::ssl::stream_base::client, [done](Loop::Error e) { done(e); });
  });
  if (error) throw boost::system::system_error(error);
  const std::string token = fmt::format("token-of-{}", peer);
  ws_.set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
    std::string offer = "crype.signaling.v1";
    if (credential == Credential::subprotocol) {
      offer += ", crype.token." + base64url(token);
    } else {
      request.set(http::field::authorization, "Bearer " + token);
    }
    request.set(http::field::sec_websocket_protocol, offer);
  }));
  websocket::response_type response;
  const std::string target = fmt::format("/v1/rooms/{}?after={}", room, after);
  error = loop_.run(
      [&](auto done) { ws_.async_handshake(response, "localhost", target, [done](Loop::Error e) { done(e); }); });
  if (error) throw boost::system::system_error(error, fmt::format("status {}", response.result_int()));
  if (response[http::field::sec_websocket_protocol] != "crype.signaling.v1") throw std::runtime_error("no subprotocol");
  ws_.text(true);
}

void SocketClient::send(std::string_view text) {
  ws_.text(true);
  loop_.run([&](auto done) { ws_.async_write(asio::buffer(text), [done](Loop::Error e, std::size_t) { done(e); }); });
}

void SocketClient::send_binary(std::string_view bytes) {
  ws_.binary(true);
  loop_.run([&](auto done) { ws_.async_write(asio::buffer(bytes), [done](Loop::Error e, std::size_t) { done(e); }); });
}

std::string SocketClient::receive() {
  buffer_.clear();
  const Loop::Error error =
      loop_.run([&](auto done) { ws_.async_read(buffer_, [done](Loop::Error e, std::size_t) { done(e); }); });
  if (error) return {};
  return beast::buffers_to_string(buffer_.data());
}

std::string SocketClient::hear() {
  for (;;) {
    std::string text = receive();
    if (text.find(R"("type":"pong")") == std::string::npos) return text;
  }
}

void SocketClient::close() {
  loop_.run([&](auto done) { ws_.async_close(websocket::close_code::normal, [done](Loop::Error e) { done(e); }); });
}

void SocketClient::cut() {
  boost::system::error_code ignored;
  beast::get_lowest_layer(ws_).set_option(asio::socket_base::linger(true, 0), ignored);
  beast::get_lowest_layer(ws_).close(ignored);
}

std::uint64_t seq_of(std::string_view text) {
  const boost::json::value value = boost::json::parse(boost::json::string_view(text.data(), text.size()));
  const auto* const seq = value.as_object().if_contains("seq");
  return seq == nullptr ? 0 : seq->to_number<std::uint64_t>();
}

std::string candidate(std::uint64_t seq, std::string_view words) {
  return fmt::format(R"({{"type":"candidate","seq":{},"candidate":"{}"}})", seq, words);
}

}  // namespace crypelab::signaling
