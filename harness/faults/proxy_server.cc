#include "harness/faults/proxy_server.h"

#include "harness/base/error.h"
#include "harness/faults/commands.h"
#include "harness/faults/edge.h"
#include "harness/faults/journal.h"
#include "harness/faults/proxy_desk.h"
#include "harness/faults/settings_json.h"
#include "harness/faults/tunnel.h"
#include "harness/wire/text.h"

#include <algorithm>
#include <csignal>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <unistd.h>

namespace crypelab::faults {
namespace {

using namespace std::chrono_literals;

constexpr Millis kPatience = 60s;  // for the head of a request, and for an upstream
constexpr Millis kLongest = 24h;   // a connection that waits for an answer that never comes

std::string small_letters(std::string text) {
  std::ranges::transform(text, text.begin(), wire::lower);
  return text;
}

std::string field(const wire::HttpRequestHead& head, std::string_view name) {
  return std::string(head.fields.find(name).value_or(""));
}

Endpoint to_endpoint(const tcp::endpoint& endpoint) {
  const auto parsed = parse_endpoint(to_text(endpoint));
  return parsed ? *parsed : Endpoint{};
}

}  // namespace

class ProxyServer::Body {
 public:
  Body(ProxySettings settings, int journal)
      : settings_(std::move(settings)), desk_(settings_, random_secret()), journal_(journal) {
    for (const auto& endpoint : settings_.listen) {
      acceptors_.push_back(listen_on(io_.get_executor(), endpoint));
      endpoints_.push_back(to_endpoint(acceptors_.back().local_endpoint()));
    }
    for (const auto& challenge : settings_.challenges)
      offered_ += (offered_.empty() ? "" : ",") + small_letters(challenge.scheme);
    start_accepting();
    if (settings_.down) asio::co_spawn(io_, be_down(*settings_.down), rethrow);
    journal_.write("ready", {{"listen", to_string(endpoints_.front())}});
  }

  const std::vector<Endpoint>& endpoints() const { return endpoints_; }
  void run() { io_.run(); }
  void stop() { io_.stop(); }

 private:
  struct Connection {
    tcp::socket socket;
    std::string client;
    std::string address;
  };

  void start_accepting() {
    for (std::size_t i = 0; i < acceptors_.size(); ++i) asio::co_spawn(io_, accept(i), rethrow);
  }

  asio::awaitable<void> accept(std::size_t number) {
    for (;;) {
      error_code error;
      auto socket = co_await acceptors_[number].async_accept(ending(error));
      if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
      if (error) {
        co_await pause(100ms);  // no descriptor for one more
        continue;
      }
      const auto peer = socket.remote_endpoint(error);
      if (error || connections_ >= kMostConnections) continue;
      socket.set_option(tcp::no_delay(true), error);
      ++connections_;
      asio::co_spawn(io_, serve({std::move(socket), to_text(peer), peer.address().to_string()}),
                     [this](const std::exception_ptr& broken) {
                       --connections_;
                       rethrow(broken);
                     });
    }
  }

  asio::awaitable<void> be_down(Downtime down) {
    asio::steady_timer timer(io_, clock_.moment(down.from));
    error_code error;
    co_await timer.async_wait(ending(error));
    for (auto& acceptor : acceptors_) acceptor.close(error);
    journal_.write("down", {});
    if (!down.lasting) co_return;
    timer.expires_at(clock_.moment(down.from + *down.lasting));
    co_await timer.async_wait(ending(error));
    for (std::size_t i = 0; i < acceptors_.size(); ++i) acceptors_[i] = listen_on(io_.get_executor(), endpoints_[i]);
    start_accepting();
    journal_.write("up", {});
  }

  // Requests one after another, until one becomes a tunnel.
  asio::awaitable<void> serve(Connection connection) {
    std::string arrived;
    for (bool more = true; more;) {
      wire::HttpRequestParser parser;
      {
        const Alarm alarm(connection.socket, kPatience);
        if (!co_await read_head(connection, parser, arrived)) co_return;
      }
      more = co_await answer(connection, parser.head(), arrived);
    }
    error_code ignored;
    connection.socket.shutdown(tcp::socket::shutdown_send, ignored);
    // What the client has still sent would turn our FIN into an RST, and the answer would be lost with it.
    const Alarm alarm(connection.socket, 2s);
    co_await swallow(connection.socket);
  }

  asio::awaitable<bool> read_head(Connection& connection, wire::HttpRequestParser& parser, std::string& arrived) {
    std::array<char, 4096> chunk{};
    for (;;) {
      arrived.erase(0, parser.feed(wire::bytes_of(arrived)));
      if (parser.state() == wire::HttpState::head) co_return true;
      if (parser.state() != wire::HttpState::more) {
        journal_.write("malformed", {{"client", connection.client}, {"reason", parser.reason()}});
        const auto refused = desk_.refuse(400);
        error_code error;
        co_await asio::async_write(connection.socket, asio::buffer(refused.text), ending(error));
        co_return false;
      }
      error_code error;
      const auto n = co_await connection.socket.async_read_some(asio::buffer(chunk), ending(error));
      if (error) co_return false;
      arrived.append(chunk.data(), n);
    }
  }

  // False when nothing more comes on this connection.
  asio::awaitable<bool> answer(Connection& connection, const wire::HttpRequestHead& head, std::string& arrived) {
    const auto began = clock_.elapsed();
    auto decision = desk_.decide(head, connection.address, began);
    const auto& who = decision.presented;
    const auto scheme = small_letters(who.scheme);
    journal_.write("request", {{"client", connection.client},
                               {"method", head.method},
                               {"target", head.target},
                               {"scheme", scheme},
                               {"agent", field(head, "User-Agent")},
                               {"host", field(head, "Host")},
                               {"alpn", field(head, "ALPN")},
                               {"proxy-connection", field(head, "Proxy-Connection")},
                               {"upgrade", field(head, "Upgrade")}});
    tcp::socket upstream(io_);
    if (decision.kind != Decision::Kind::answer) {
      journal_.write("admitted", {{"client", connection.client},
                                  {"method", head.method},
                                  {"target", head.target},
                                  {"scheme", scheme},
                                  {"user", who.user},
                                  {"algorithm", who.algorithm},
                                  {"nc", who.nc}});
      if (decision.kind == Decision::Kind::silence) {
        journal_.write("withheld", {{"client", connection.client}, {"target", head.target}});
        const Alarm alarm(connection.socket, kLongest);
        co_await swallow(connection.socket);
        co_return false;
      }
      if (const unsigned failed = co_await reach(decision.target, upstream); failed != 0) {
        auto refused = desk_.refuse(failed);
        refused.presented = std::move(decision.presented);
        decision = std::move(refused);
      }
    }
    error_code error;
    co_await asio::async_write(connection.socket, asio::buffer(decision.text), ending(error));
    if (error) co_return false;
    if (decision.kind == Decision::Kind::tunnel) {
      co_await tunnel(connection, upstream, head, decision, std::move(arrived));
      co_return false;
    }
    journal_.write("answered", {{"client", connection.client},
                                {"method", head.method},
                                {"target", head.target},
                                {"status", std::int64_t{decision.status}},
                                {"verdict", std::string(to_string(decision.presented.verdict))},
                                {"scheme", scheme},
                                {"user", decision.presented.user},
                                {"algorithm", decision.presented.algorithm},
                                {"nc", decision.presented.nc},
                                {"offered", decision.status == 407 ? offered_ : ""},
                                {"milliseconds", (clock_.elapsed() - began).count()}});
    co_return !decision.close;
  }

  // 0, or the status for the client.
  asio::awaitable<unsigned> reach(const wire::HttpAuthority& target, tcp::socket& upstream) {
    error_code error;
    tcp::resolver resolver(io_);
    const auto found = co_await resolver.async_resolve(target.host, std::to_string(target.port), ending(error));
    if (error) co_return 502;
    const Alarm alarm(upstream, kPatience);
    co_await asio::async_connect(upstream, found, ending(error));
    if (!upstream.is_open()) co_return 504;
    if (error) co_return 502;
    upstream.set_option(tcp::no_delay(true), error);
    co_return 0;
  }

  asio::awaitable<void> tunnel(Connection& connection, tcp::socket& upstream, const wire::HttpRequestHead& head,
                               const Decision& decision, std::string early) {
    error_code error;
    const auto opened = clock_.elapsed();
    journal_.write("tunnel-opened", {{"client", connection.client},
                                     {"target", head.target},
                                     {"upstream", to_text(upstream.remote_endpoint(error))},
                                     {"status", std::int64_t{decision.status}}});
    const auto end = co_await relay(connection.socket, upstream, std::move(early), settings_.pace, settings_.cut.by,
                                    TunnelFate(settings_.cut, decision.presented.expires, opened), clock_);
    journal_.write("tunnel-closed", {{"client", connection.client},
                                     {"target", head.target},
                                     {"user", decision.presented.user},
                                     {"received", static_cast<std::int64_t>(end.received)},
                                     {"sent", static_cast<std::int64_t>(end.sent)},
                                     {"milliseconds", (clock_.elapsed() - opened).count()},
                                     {"reason", std::string(end.reason)}});
  }

  static asio::awaitable<void> swallow(tcp::socket& socket) {
    std::array<char, 4096> chunk{};
    for (error_code error; !error;) co_await socket.async_read_some(asio::buffer(chunk), ending(error));
  }

  ProxySettings settings_;
  ProxyDesk desk_;
  Journal journal_;
  Stopwatch clock_;
  std::string offered_;
  std::vector<Endpoint> endpoints_;
  std::size_t connections_ = 0;
  asio::io_context io_{1};
  // One that is down for ever has nothing to do, and is still there.
  asio::executor_work_guard<asio::io_context::executor_type> alive_{io_.get_executor()};
  std::vector<tcp::acceptor> acceptors_;
};

ProxyServer::ProxyServer(ProxySettings settings, int journal)
    : body_(std::make_unique<Body>(std::move(settings), journal)) {}
ProxyServer::~ProxyServer() = default;
std::vector<Endpoint> ProxyServer::endpoints() const { return body_->endpoints(); }
void ProxyServer::run() { body_->run(); }
void ProxyServer::stop() { body_->stop(); }

int run_proxy(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) throw Failure(Exit::usage, "usage: crypelab-faults proxy SETTINGS.json");
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) throw_errno("signal");
  ProxyServer(parse_proxy_settings(read_settings_file(arguments.front())), STDOUT_FILENO).run();
  return 0;
}

}  // namespace crypelab::faults
