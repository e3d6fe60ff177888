#include "clients/signaling/server.h"

#include "clients/signaling/desk.h"
#include "clients/signaling/session.h"
#include "harness/base/error.h"

#include <algorithm>
#include <csignal>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>

namespace crypelab::signaling {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds sweep_every{250};
constexpr std::chrono::milliseconds flush_every{5};
constexpr std::chrono::milliseconds accept_pause{100};  // when the kernel has no descriptor or memory for one more
constexpr std::chrono::milliseconds goodbye{1000};
constexpr std::size_t other_descriptors = 64;  // that are no connections

// As many descriptors as this process may have; gives how many that is.
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) throw_errno("getrlimit(RLIMIT_NOFILE)");
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) throw_errno("setrlimit(RLIMIT_NOFILE)");
  return limit.rlim_cur;
}

Settings bounded(Settings settings) {
  const std::size_t descriptors = raise_descriptor_limit();
  const std::size_t most = descriptors > 2 * other_descriptors ? descriptors - other_descriptors : descriptors / 2;
  settings.connections = std::max<std::size_t>(1, std::min(settings.connections, most));
  settings.strangers = std::max<std::size_t>(1, std::min(settings.strangers, settings.connections));
  return settings;
}

tcp::endpoint endpoint_of(const Endpoint& endpoint) {
  if (endpoint.address.is_v4()) return {asio::ip::address_v4(endpoint.address.v4_host_order()), endpoint.port};
  asio::ip::address_v6::bytes_type bytes;
  std::copy(endpoint.address.bytes().begin(), endpoint.address.bytes().end(), bytes.begin());
  return {asio::ip::address_v6(bytes), endpoint.port};
}

Endpoint endpoint_of(const tcp::endpoint& endpoint) {
  if (endpoint.address().is_v4()) return {Address::v4(endpoint.address().to_v4().to_uint()), endpoint.port()};
  return {Address::v6(endpoint.address().to_v6().to_bytes()), endpoint.port()};
}

}  // namespace

// Members are destroyed last first: with the io_context go the coroutines, and those still use the desk.
class Server::Body {
 public:
  explicit Body(Settings settings)
      : context_(server_context(settings.certificate, settings.key)), desk_(bounded(std::move(settings))) {
    for (const Endpoint& endpoint : desk_.settings().listen) listen(endpoint);
    for (tcp::acceptor& acceptor : acceptors_) asio::co_spawn(io_, accept(acceptor), asio::detached);
    asio::co_spawn(io_, sweep(), asio::detached);
    asio::co_spawn(io_, flush(), asio::detached);
    std::string listening;
    for (const Endpoint& endpoint : endpoints()) {
      fmt::format_to(std::back_inserter(listening), "{}{}", listening.empty() ? "" : " ", to_string(endpoint));
    }
    desk_.log().line("ready").text("listen", listening).number("connections", desk_.settings().connections);
    desk_.log().flush();
  }

  std::vector<Endpoint> endpoints() const {
    std::vector<Endpoint> all;
    for (const tcp::acceptor& acceptor : acceptors_) all.push_back(endpoint_of(acceptor.local_endpoint()));
    return all;
  }

  void run(bool signals) {
    asio::signal_set terminating(io_);
    if (signals) {
      terminating.add(SIGTERM);
      terminating.add(SIGINT);
      terminating.async_wait([this](error_code error, int) {
        if (!error) close();
      });
    }
    io_.run();
    desk_.log().line("end");
    desk_.log().finish(goodbye);
  }

  void stop() {
    asio::post(io_, [this] { close(); });
  }

 private:
  void listen(const Endpoint& endpoint) {
    const tcp::endpoint where = endpoint_of(endpoint);
    error_code error;
    tcp::acceptor acceptor(io_);
    acceptor.open(where.protocol(), error);
    if (!error && where.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(where, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error && fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC) != 0) throw_errno("fcntl(FD_CLOEXEC)");
    if (error) throw_system_error(fmt::format("cannot listen on {}", to_string(endpoint)), error.value());
    acceptors_.push_back(std::move(acceptor));
  }

  asio::awaitable<void> accept(tcp::acceptor& acceptor) {
    asio::steady_timer pause(io_);
    for (;;) {
      error_code error;
      tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (closing_) co_return;
      if (error == asio::error::no_descriptors || error == asio::error::no_memory ||
          error == asio::error::no_buffer_space) {
        desk_.log().line("drop").text("reason", "no-descriptors");
        pause.expires_after(accept_pause);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
        continue;
      }
      if (error) continue;  // it was gone before it was accepted
      if (!desk_.admit()) {
        desk_.log().line("drop").text("reason", "too-many-connections");
        continue;
      }
      asio::co_spawn(io_, serve(desk_, *context_, std::move(socket)), [this](const std::exception_ptr& failed) {
        if (failed) desk_.log().line("fault");  // out of memory: this connection ends, the others go on
        if (closing_ && desk_.connections() == 0) io_.stop();
      });
    }
  }

  asio::awaitable<void> sweep() {
    asio::steady_timer timer(io_);
    for (error_code error; !error;) {
      timer.expires_after(sweep_every);
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
      desk_.sweep();
    }
  }

  // Events are gathered for a moment: a busy server writes many with one call.
  asio::awaitable<void> flush() {
    asio::steady_timer timer(io_);
    for (error_code error; !error;) {
      timer.expires_after(flush_every);
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
      if (desk_.log().pending()) desk_.log().flush();
    }
  }

  void close() {
    if (std::exchange(closing_, true)) return;
    for (tcp::acceptor& acceptor : acceptors_) acceptor.close();
    desk_.farewell();
    if (desk_.connections() == 0) return io_.stop();
    last_.expires_after(goodbye + sweep_every);
    last_.async_wait([this](error_code) { io_.stop(); });
  }

  TlsContext context_;
  Desk desk_;
  asio::io_context io_{1};
  asio::steady_timer last_{io_};
  std::vector<tcp::acceptor> acceptors_;
  bool closing_ = false;
};

Server::Server(Settings settings) : body_(std::make_unique<Body>(std::move(settings))) {}
Server::~Server() = default;
std::vector<Endpoint> Server::endpoints() const { return body_->endpoints(); }
void Server::run(bool signals) { body_->run(signals); }
void Server::stop() { body_->stop(); }

}  // namespace crypelab::signaling
