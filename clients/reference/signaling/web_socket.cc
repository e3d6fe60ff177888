#include "clients/reference/signaling/web_socket.h"

#include "clients/reference/signaling/beast_stream.h"
#include "clients/reference/signaling/message.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace crypelab::client::signaling {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using transport::Awaitable;
using transport::Error;

struct WebSocket::Body {
  Body(const asio::any_io_executor& executor, std::unique_ptr<transport::Stream> stream)
      : socket(executor, std::move(stream)), watchdog(executor) {}

  // Ends whatever is under way at `deadline`.
  void watch(Time deadline) {
    watchdog.expires_at(deadline);
    watchdog.async_wait([this](Error error) {
      if (!error) socket.next_layer().stream().abort();
    });
  }

  websocket::stream<BeastStream, false> socket;
  asio::steady_timer watchdog;
};

WebSocket::WebSocket(asio::any_io_executor executor, std::unique_ptr<transport::Stream> stream)
    : body_(std::make_unique<Body>(executor, std::move(stream))) {}
WebSocket::~WebSocket() = default;

Awaitable<WebSocket::Opening> WebSocket::open(RoomAddress room, std::string query, std::string token, std::string leak,
                                              Time deadline) {
  auto& socket = body_->socket;
  websocket::stream_base::timeout never{};
  never.handshake_timeout = websocket::stream_base::none();
  never.idle_timeout = websocket::stream_base::none();
  never.keep_alive_pings = false;
  socket.set_option(never);
  socket.read_message_max(largest_message);
  socket.set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
    request.set(beast::http::field::authorization, "Bearer " + token);
    request.set(beast::http::field::sec_websocket_protocol, "crype.signaling.v1");
    request.set(beast::http::field::user_agent, "crypelab-client");
    if (const auto colon = leak.find(": "); colon != std::string::npos) {
      request.set(leak.substr(0, colon), leak.substr(colon + 2));
    }
  }));
  body_->watch(deadline);
  websocket::response_type response;
  Error error;
  co_await socket.async_handshake(response, room.authority, room.path + query,
                                  asio::redirect_error(asio::use_awaitable, error));
  body_->watchdog.cancel();
  if (!error && response[beast::http::field::sec_websocket_protocol] == "crype.signaling.v1") {
    socket.text(true);
    co_return Opening();
  }
  if (response.result_int() == 0 ||
      (error && error != websocket::error::upgrade_declined && response.result_int() == 101)) {
    co_return Silent{};
  }
  HttpAnswer answer{.status = response.result_int()};
  const auto field = [&](beast::http::field name) {
    const auto value = response[name];
    return std::string(value.data(), std::min<std::size_t>(value.size(), 512));
  };
  answer.content_type = field(beast::http::field::content_type);
  answer.location = field(beast::http::field::location);
  answer.body.assign(response.body().data(), std::min<std::size_t>(response.body().size(), 512));
  co_return answer;
}

Awaitable<std::optional<std::string>> WebSocket::read() {
  beast::flat_buffer buffer;
  Error error;
  co_await body_->socket.async_read(buffer, asio::redirect_error(asio::use_awaitable, error));
  if (error || !body_->socket.got_text()) co_return std::nullopt;
  co_return std::string(static_cast<const char*>(buffer.data().data()), buffer.size());
}

Awaitable<bool> WebSocket::write(std::string text) {
  Error error;
  co_await body_->socket.async_write(asio::buffer(text), asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

Awaitable<void> WebSocket::close(Time deadline) {
  body_->watch(deadline);
  Error error;
  co_await body_->socket.async_close(websocket::close_code::normal, asio::redirect_error(asio::use_awaitable, error));
  body_->watchdog.cancel();
}

void WebSocket::abort() { body_->socket.next_layer().stream().abort(); }

}  // namespace crypelab::client::signaling
