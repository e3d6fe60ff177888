#include "harness/faults/turn_server.h"

#include "harness/base/error.h"
#include "harness/faults/commands.h"
#include "harness/faults/edge.h"
#include "harness/faults/settings_json.h"
#include "harness/faults/turn_desk.h"
#include "harness/wire/turn_frame.h"

#include <array>
#include <csignal>
#include <deque>
#include <map>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <unistd.h>

namespace crypelab::faults {
namespace {

using namespace std::chrono_literals;
using asio::ip::udp;
using wire::Bytes;
using Text = std::vector<std::uint8_t>;

constexpr std::size_t kMostWaiting = 1U << 20U;  // bytes on their way to one client; what is beyond is lost
constexpr Millis kHandshake = 60s;                // for a TLS handshake

udp::endpoint to_udp(const Endpoint& endpoint) {
  const auto place = to_asio(endpoint);
  return {place.address(), place.port()};
}

template <class AsioEndpoint>
Endpoint from_asio(const AsioEndpoint& endpoint) {
  const auto parsed = parse_endpoint(to_text(tcp::endpoint(endpoint.address(), endpoint.port())));
  return parsed ? *parsed : Endpoint{};
}

udp::socket bind_udp(asio::io_context& io, const Endpoint& endpoint) {
  const auto where = to_udp(endpoint);
  error_code error;
  udp::socket socket(io);
  socket.open(where.protocol(), error);
  if (!error && where.address().is_v6()) socket.set_option(asio::ip::v6_only(true), error);
  if (!error) socket.bind(where, error);
  if (error) throw_system_error("cannot listen on " + to_string(endpoint), error.value());
  return socket;
}

// What goes out to one client over a stream, in order, in pieces if the script wants it so.
class Outlet {
 public:
  Outlet(asio::io_context& io, std::size_t piece) : more_(io, asio::steady_timer::time_point::max()), piece_(piece) {}

  void push(Bytes message) {
    if (waiting_ + message.size() > kMostWaiting) return;
    waiting_ += message.size();
    messages_.emplace_back(message.begin(), message.end());
    more_.cancel();
  }
  void end() {
    ended_ = true;
    more_.cancel();
  }

  // Writes until the end.
  template <class Stream>
  asio::awaitable<void> drain(Stream& stream) {
    error_code error;
    while (!ended_ && !error) {
      if (messages_.empty()) {
        error_code woken;
        co_await more_.async_wait(ending(woken));
        continue;
      }
      const Text message = std::move(messages_.front());
      messages_.pop_front();
      waiting_ -= message.size();
      const auto step = piece_ == 0 ? message.size() : piece_;
      for (std::size_t at = 0; at < message.size() && !error; at += step) {
        const auto size = std::min(step, message.size() - at);
        co_await asio::async_write(stream, asio::buffer(message.data() + at, size), ending(error));
      }
    }
    done_ = true;
    finished_.cancel();
  }
  // Until drain() has returned: the stream is in use before that.
  asio::awaitable<void> finished() {
    error_code error;
    while (!done_) co_await finished_.async_wait(ending(error));
  }

 private:
  asio::steady_timer more_;
  asio::steady_timer finished_{more_.get_executor(), asio::steady_timer::time_point::max()};
  std::size_t piece_;
  std::deque<Text> messages_;
  std::size_t waiting_ = 0;
  bool ended_ = false;
  bool done_ = false;
};

using Outlets = std::map<TurnPath, Outlet*>;

// An outlet can be found while its client is there.
class Presence {
 public:
  Presence(Outlets& outlets, const TurnPath& path, Outlet& outlet) : outlets_(outlets), path_(path) {
    outlets_[path_] = &outlet;
  }
  ~Presence() { outlets_.erase(path_); }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

 private:
  Outlets& outlets_;
  TurnPath path_;
};

}  // namespace

class TurnServer::Body final : public TurnEdge {
 public:
  Body(TurnSettings settings, int journal)
      : settings_(std::move(settings)),
        journal_(journal),
        desk_(settings_, *this, journal_, random_secret(),
              std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())) {
    for (const auto& place : settings_.udp) {
      sockets_.push_back(bind_udp(io_, place));
      places_.push_back(from_asio(sockets_.back().local_endpoint()));
    }
    for (const auto& place : settings_.tcp) add_listener(place, false);
    if (!settings_.tls.empty()) {
      error_code error;
      context_.use_certificate_chain_file(settings_.certificate, error);
      if (!error) context_.use_private_key_file(settings_.key, asio::ssl::context::pem, error);
      if (error) throw Failure(Exit::data, settings_.certificate + ": " + error.message());
    }
    for (const auto& place : settings_.tls) add_listener(place, true);
    for (std::size_t i = 0; i < sockets_.size(); ++i) asio::co_spawn(io_, listen(i), rethrow);
    for (auto& listener : listeners_) asio::co_spawn(io_, accept(listener), rethrow);
    asio::co_spawn(io_, expire(), rethrow);
    journal_.write("ready", {});
  }

  std::vector<Endpoint> endpoints() const {
    auto all = places_;
    for (const auto& listener : listeners_) all.push_back(from_asio(listener.acceptor.local_endpoint()));
    return all;
  }
  void run() { io_.run(); }
  void stop() { io_.stop(); }

  void send(const TurnPath& to, Bytes message, Millis delay) override {
    if (delay > 0ms) {
      asio::co_spawn(io_, send_later(to, Text(message.begin(), message.end()), delay), rethrow);
      return;
    }
    if (to.transport != TurnPath::Transport::udp) {
      if (const auto outlet = outlets_.find(to); outlet != outlets_.end()) outlet->second->push(message);
      return;
    }
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (places_[i] != to.server) continue;
      error_code lost;  // as on any network
      sockets_[i].send_to(asio::buffer(message.data(), message.size()), to_udp(to.client), 0, lost);
    }
  }

  std::optional<Endpoint> open_relay(const TurnPath& path, Family family) override {
    for (const auto& address : settings_.relays) {
      if (address.is_v4() != (family == Family::v4)) continue;
      try {
        auto socket = std::make_shared<udp::socket>(bind_udp(io_, {address, 0}));
        const auto place = from_asio(socket->local_endpoint());
        relays_[path] = socket;
        asio::co_spawn(io_, receive(path, std::move(socket)), rethrow);
        return place;
      } catch (const Failure&) {
        return std::nullopt;  // no port, no descriptor
      }
    }
    return std::nullopt;
  }
  void close_relay(const TurnPath& path) override {
    const auto relay = relays_.find(path);
    if (relay == relays_.end()) return;
    error_code ignored;
    relay->second->close(ignored);
    relays_.erase(relay);
  }
  void relay(const TurnPath& from, const Endpoint& peer, Bytes payload) override {
    const auto relay = relays_.find(from);
    if (relay == relays_.end()) return;
    error_code lost;
    relay->second->send_to(asio::buffer(payload.data(), payload.size()), to_udp(peer), 0, lost);
  }

 private:
  struct Listener {
    tcp::acceptor acceptor;
    bool tls;
  };

  void add_listener(const Endpoint& place, bool tls) {
    listeners_.push_back({listen_on(io_.get_executor(), place), tls});
  }

  asio::awaitable<void> send_later(TurnPath to, Text message, Millis delay) {
    co_await pause(delay);
    send(to, message, 0ms);
  }

  asio::awaitable<void> expire() {
    for (;;) {
      co_await pause(250ms);
      desk_.expire(clock_.elapsed());
    }
  }

  asio::awaitable<void> listen(std::size_t number) {
    Text chunk(65'536);
    for (;;) {
      udp::endpoint client;
      error_code error;
      const auto size = co_await sockets_[number].async_receive_from(asio::buffer(chunk), client, ending(error));
      if (error == asio::error::operation_aborted) co_return;
      if (error) continue;
      desk_.from_client({TurnPath::Transport::udp, places_[number], from_asio(client)}, Bytes(chunk).first(size),
                        clock_.elapsed());
    }
  }

  asio::awaitable<void> receive(TurnPath path, std::shared_ptr<udp::socket> socket) {
    Text chunk(65'536);
    while (socket->is_open()) {
      udp::endpoint peer;
      error_code error;
      const auto size = co_await socket->async_receive_from(asio::buffer(chunk), peer, ending(error));
      if (error == asio::error::operation_aborted || !socket->is_open()) co_return;
      if (!error) desk_.from_peer(path, from_asio(peer), Bytes(chunk).first(size), clock_.elapsed());
    }
  }

  asio::awaitable<void> accept(Listener& listener) {
    for (;;) {
      error_code error;
      auto socket = co_await listener.acceptor.async_accept(ending(error));
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        co_await pause(100ms);  // no descriptor for one more
        continue;
      }
      const auto client = socket.remote_endpoint(error);
      if (error || connections_ >= kMostConnections) continue;
      socket.set_option(tcp::no_delay(true), error);
      const TurnPath path{listener.tls ? TurnPath::Transport::tls : TurnPath::Transport::tcp,
                          from_asio(listener.acceptor.local_endpoint()), from_asio(client)};
      ++connections_;
      asio::co_spawn(io_, serve(std::move(socket), path), [this](const std::exception_ptr& broken) {
        --connections_;
        rethrow(broken);
      });
    }
  }

  asio::awaitable<void> serve(tcp::socket socket, TurnPath path) {
    if (path.transport == TurnPath::Transport::tcp) {
      co_await converse(socket, socket, path);
      co_return;
    }
    asio::ssl::stream<tcp::socket> stream(std::move(socket), context_);
    error_code error;
    {
      const Alarm alarm(stream.next_layer(), kHandshake);
      co_await stream.async_handshake(asio::ssl::stream_base::server, ending(error));
    }
    if (error) {
      journal_.write("handshake-failed", {{"client", to_string(path.client)}, {"reason", error.message()}});
      co_return;
    }
    co_await converse(stream, stream.next_layer(), path);
  }

  template <class Stream>
  asio::awaitable<void> converse(Stream& stream, tcp::socket& socket, TurnPath path) {
    journal_.write("connection", {{"client", to_string(path.client)},
                                  {"server", to_string(path.server)},
                                  {"tls", path.transport == TurnPath::Transport::tls}});
    Outlet outlet(io_, settings_.segment);
    asio::co_spawn(io_, outlet.drain(stream), rethrow);
    std::string reason;
    {
      const Presence presence(outlets_, path, outlet);
      reason = co_await hear(stream, path);
    }
    desk_.gone(path);
    journal_.write("closed",
                   {{"client", to_string(path.client)}, {"server", to_string(path.server)}, {"reason", reason}});
    outlet.end();
    error_code ignored;
    socket.close(ignored);
    co_await outlet.finished();
  }

  // Until the connection ends; why it did.
  template <class Stream>
  asio::awaitable<std::string> hear(Stream& stream, TurnPath path) {
    wire::TurnStream frames;
    std::array<std::uint8_t, 16'384> chunk{};
    while (true) {
      error_code error;
      const auto size = co_await stream.async_read_some(asio::buffer(chunk), ending(error));
      if (error) co_return error == asio::error::eof ? "closed by the client" : error.message();
      frames.feed(Bytes(chunk).first(size));
      while (const auto frame = frames.next()) desk_.from_client(path, frame->bytes, clock_.elapsed());
      if (frames.fault()) co_return *frames.fault();
    }
  }

  TurnSettings settings_;
  Journal journal_;
  Stopwatch clock_;
  asio::io_context io_{1};
  asio::ssl::context context_{asio::ssl::context::tls_server};
  std::vector<udp::socket> sockets_;
  std::vector<Endpoint> places_;
  std::deque<Listener> listeners_;
  Outlets outlets_;
  std::map<TurnPath, std::shared_ptr<udp::socket>> relays_;
  std::size_t connections_ = 0;
  TurnDesk desk_;
};

TurnServer::TurnServer(TurnSettings settings, int journal)
    : body_(std::make_unique<Body>(std::move(settings), journal)) {}
TurnServer::~TurnServer() = default;
std::vector<Endpoint> TurnServer::endpoints() const { return body_->endpoints(); }
void TurnServer::run() { body_->run(); }
void TurnServer::stop() { body_->stop(); }

int run_turn(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1) throw Failure(Exit::usage, "usage: crypelab-faults turn SETTINGS.json");
  if (std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) throw_errno("signal");
  TurnServer(parse_turn_settings(read_settings_file(arguments.front())), STDOUT_FILENO).run();
  return 0;
}

}  // namespace crypelab::faults
