#include "harness/faults/web_server.h"

#include "harness/base/error.h"
#include "harness/faults/edge.h"
#include "harness/wire/text.h"

#include <array>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

namespace crypelab::faults {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kLargestBody = 65'536;
constexpr auto kRequestOrHandshake = 30s;
constexpr auto kLongest = 24h;

std::string path_of(const wire::HttpRequestHead& head) { return head.target.substr(0, head.target.find('?')); }

std::string text_of(const WebReply& reply, bool head_only, bool close) {
  wire::HttpResponseHead head;
  head.status = reply.status;
  head.reason = reply.status == 200   ? "OK"
                : reply.status == 302 ? "Found"
                : reply.status == 404 ? "Not Found"
                                      : "As Configured";
  for (const auto& field : reply.more) head.fields.add(field.name, field.value);
  if (!reply.type.empty()) head.fields.add("Content-Type", reply.type);
  head.fields.add("Content-Length", std::to_string(reply.body.size()));
  if (close) head.fields.add("Connection", "close");
  return to_text(head) + (head_only ? "" : reply.body);
}

}  // namespace

class WebServer::Body {
 public:
  Body(const WebPlaces& places, Handler handler, Journal& journal)
      : handler_(std::move(handler)), journal_(journal), context_(asio::ssl::context::tls_server) {
    if (!places.tls.empty()) {
      context_.use_certificate_chain_file(places.certificate);
      context_.use_private_key_file(places.key, asio::ssl::context::pem);
    }
    for (const auto& place : places.plain) add(place, false);
    for (const auto& place : places.tls) add(place, true);
    for (auto& listener : listeners_) asio::co_spawn(io_, accept(listener), rethrow);
    journal_.write("ready", {{"listen", to_string(endpoints().front())}});
  }

  std::vector<Endpoint> endpoints() const {
    std::vector<Endpoint> all;
    for (const auto& listener : listeners_) {
      const auto endpoint = parse_endpoint(to_text(listener.acceptor.local_endpoint()));
      all.push_back(endpoint ? *endpoint : Endpoint{});
    }
    return all;
  }
  void later(std::chrono::milliseconds moment, std::function<void()> what) {
    asio::co_spawn(
        io_,
        [](std::chrono::milliseconds length, std::function<void()> call) -> asio::awaitable<void> {
          co_await pause(length);
          call();
        }(moment - clock_.elapsed(), std::move(what)),
        rethrow);
  }
  void run() { io_.run(); }
  void stop() { io_.stop(); }

 private:
  struct Listener {
    tcp::acceptor acceptor;
    bool tls;
  };

  void add(const Endpoint& place, bool tls) { listeners_.push_back({listen_on(io_.get_executor(), place), tls}); }

  asio::awaitable<void> accept(Listener& listener) {
    for (;;) {
      error_code error;
      auto socket = co_await listener.acceptor.async_accept(ending(error));
      if (error) {
        co_await pause(100ms);
        continue;
      }
      const auto peer = socket.remote_endpoint(error);
      if (error || connections_ >= kMostConnections) continue;
      ++connections_;
      const auto gone = [this](const std::exception_ptr& broken) {
        --connections_;
        rethrow(broken);
      };
      if (listener.tls) {
        asio::co_spawn(io_, serve_tls(std::move(socket), peer), gone);
      } else {
        asio::co_spawn(io_, serve_plain(std::move(socket), peer), gone);
      }
    }
  }

  asio::awaitable<void> serve_plain(tcp::socket socket, tcp::endpoint peer) {
    co_await converse(socket, socket, peer, false);
  }

  asio::awaitable<void> serve_tls(tcp::socket socket, tcp::endpoint peer) {
    asio::ssl::stream<tcp::socket> stream(std::move(socket), context_);
    error_code error;
    {
      const Alarm alarm(stream.next_layer(), kRequestOrHandshake);
      co_await stream.async_handshake(asio::ssl::stream_base::server, ending(error));
    }
    if (error) {
      const char* sni = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
      journal_.write("handshake-failed",
                     {{"client", to_text(peer)}, {"sni", sni == nullptr ? "" : sni}, {"reason", error.message()}});
      co_return;
    }
    co_await converse(stream, stream.next_layer(), peer, true);
    // A goodbye that nobody waits for: clients tell truncated answers by it.
    const Alarm alarm(stream.next_layer(), 1s);
    co_await stream.async_shutdown(ending(error));
  }

  template <class Stream>
  asio::awaitable<void> converse(Stream& stream, tcp::socket& socket, const tcp::endpoint& peer, bool tls) {
    std::string arrived;
    for (bool more = true; more;) {
      WebRequest request;
      {
        const Alarm alarm(socket, kRequestOrHandshake);
        if (!co_await read(stream, peer, arrived, request)) co_return;
      }
      const auto endpoint = parse_endpoint(to_text(peer));
      request.client = endpoint ? *endpoint : Endpoint{};
      request.tls = tls;
      more = co_await answer(stream, peer, request);
    }
  }

  template <class Stream>
  asio::awaitable<bool> read(Stream& stream, const tcp::endpoint& peer, std::string& arrived, WebRequest& request) {
    wire::HttpRequestParser parser;
    std::array<char, 4096> chunk{};
    std::uint64_t wanted = 0;
    bool headed = false;
    for (;;) {
      if (!headed) {
        arrived.erase(0, parser.feed(wire::bytes_of(arrived)));
        if (parser.state() == wire::HttpState::head) {
          headed = true;
          request.head = parser.head();
          const auto length = request.head.fields.find("Content-Length");
          wanted = length ? wire::parse_decimal(*length, kLargestBody).value_or(kLargestBody + 1) : 0;
          if (wanted > kLargestBody || request.head.fields.find("Transfer-Encoding")) {
            co_await refuse(stream, peer, "a body that is too large or of unknown length");
            co_return false;
          }
        } else if (parser.state() != wire::HttpState::more) {
          co_await refuse(stream, peer, parser.reason());
          co_return false;
        }
      }
      if (headed && arrived.size() >= wanted) {
        request.body = arrived.substr(0, wanted);
        arrived.erase(0, wanted);
        co_return true;
      }
      error_code error;
      const auto n = co_await stream.async_read_some(asio::buffer(chunk), ending(error));
      if (error) co_return false;
      arrived.append(chunk.data(), n);
    }
  }

  template <class Stream>
  asio::awaitable<void> refuse(Stream& stream, const tcp::endpoint& peer, const std::string& reason) {
    journal_.write("malformed", {{"client", to_text(peer)}, {"reason", reason}});
    WebReply reply;
    reply.status = 400;
    const auto text = text_of(reply, false, true);
    error_code error;
    co_await asio::async_write(stream, asio::buffer(text), ending(error));
  }

  template <class Stream>
  asio::awaitable<bool> answer(Stream& stream, const tcp::endpoint& peer, const WebRequest& request) {
    const auto began = clock_.elapsed();
    const auto& head = request.head;
    journal_.write("request", {{"client", to_text(peer)},
                               {"method", head.method},
                               {"path", path_of(head)},
                               {"host", std::string(head.fields.find("Host").value_or(""))},
                               {"agent", std::string(head.fields.find("User-Agent").value_or(""))},
                               {"tls", request.tls}});
    const auto reply = handler_(request);
    if (reply.never) {
      co_await pause(kLongest);
      co_return false;
    }
    if (reply.delay.count() > 0) co_await pause(reply.delay);
    const bool close = head.minor_version == 0 || head.fields.lists("Connection", "close");
    const auto text = text_of(reply, head.method == "HEAD", close);
    error_code error;
    co_await asio::async_write(stream, asio::buffer(text), ending(error));
    journal_.write("answered", {{"client", to_text(peer)},
                                {"path", path_of(head)},
                                {"status", std::int64_t{reply.status}},
                                {"milliseconds", (clock_.elapsed() - began).count()}});
    co_return !error && !close;
  }

  Handler handler_;
  Journal& journal_;
  asio::ssl::context context_;
  Stopwatch clock_;
  std::size_t connections_ = 0;
  asio::io_context io_{1};
  std::vector<Listener> listeners_;
};

WebServer::WebServer(const WebPlaces& places, Handler handler, Journal& journal)
    : body_(std::make_unique<Body>(places, std::move(handler), journal)) {}
WebServer::~WebServer() = default;
std::vector<Endpoint> WebServer::endpoints() const { return body_->endpoints(); }
void WebServer::later(std::chrono::milliseconds moment, std::function<void()> what) {
  body_->later(moment, std::move(what));
}
void WebServer::run() { body_->run(); }
void WebServer::stop() { body_->stop(); }

}  // namespace crypelab::faults
