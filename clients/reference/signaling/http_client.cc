#include "clients/reference/signaling/http_client.h"

#include "clients/reference/signaling/beast_stream.h"
#include "clients/reference/signaling/message.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace crypelab::client::signaling {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using transport::Awaitable;
using transport::Error;

struct HttpClient::Body {
  asio::any_io_executor executor;
  transport::Dialer& dialer;
  RoomAddress server;
  std::string token;
  asio::steady_timer watchdog{executor};
  std::unique_ptr<BeastStream> stream;
  boost::beast::flat_buffer buffer;
  std::optional<transport::DialTimes> times;

  void watch(Time deadline) {
    watchdog.expires_at(deadline);
    watchdog.async_wait([this](Error error) {
      if (!error && stream) stream->stream().abort();
    });
  }

  Awaitable<std::optional<HttpAnswer>> exchange(const std::string& path, const std::string& text) {
    http::request<http::string_body> request(text.empty() ? http::verb::get : http::verb::post, path, 11);
    request.set(http::field::host, server.authority);
    request.set(http::field::authorization, "Bearer " + token);
    request.set(http::field::user_agent, "crypelab-client");
    if (!text.empty()) {
      request.set(http::field::content_type, "application/json");
      request.body() = text;
      request.prepare_payload();
    }
    Error error;
    co_await http::async_write(*stream, request, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return std::nullopt;
    http::response_parser<http::string_body> parser;
    parser.body_limit(largest_poll);
    co_await http::async_read(*stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error && !parser.is_header_done()) co_return std::nullopt;
    const auto& response = parser.get();
    const auto field = [&](http::field name) {
      const auto value = response[name];
      return std::string(value.data(), std::min<std::size_t>(value.size(), 512));
    };
    HttpAnswer answer{response.result_int(), field(http::field::content_type), field(http::field::location),
                      response.body()};
    if (error || !response.keep_alive()) stream.reset();
    co_return answer;
  }
};

HttpClient::HttpClient(asio::any_io_executor executor, transport::Dialer& dialer, RoomAddress server, std::string token)
    : body_(new Body{
          .executor = std::move(executor), .dialer = dialer, .server = std::move(server), .token = std::move(token)}) {}
HttpClient::~HttpClient() = default;

Awaitable<HttpClient::Outcome> HttpClient::request(std::string path, std::string text, Time deadline) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const bool fresh = !body_->stream;
    if (fresh) {
      transport::Target target{.host = body_->server.host, .port = body_->server.port};
      target.purpose = transport::Purpose::signaling;
      target.tls = transport::TlsWish{.name = body_->server.host, .alpn = {"http/1.1"}};
      auto outcome = co_await body_->dialer.dial(std::move(target), deadline);
      if (auto* const failure = std::get_if<transport::DialFailure>(&outcome)) co_return std::move(*failure);
      auto& dialed = std::get<transport::Dialed>(outcome);
      body_->times = dialed.times;
      body_->buffer.clear();
      body_->stream = std::make_unique<BeastStream>(body_->executor, std::move(dialed.stream));
    }
    body_->watch(deadline);
    auto answer = co_await body_->exchange(path, text);
    body_->watchdog.cancel();
    if (answer) co_return std::move(*answer);
    body_->stream.reset();
    // A kept connection may have ended while nothing was asked: once more over a new one (RFC 9112 §9.3.1; every
    // request here may be repeated).
    if (fresh || Time::clock::now() >= deadline) break;
  }
  co_return Broken{};
}

void HttpClient::abort() {
  if (body_->stream) body_->stream->stream().abort();
}

const std::optional<transport::DialTimes>& HttpClient::times() const { return body_->times; }

}  // namespace crypelab::client::signaling
