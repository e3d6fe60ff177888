#include "harness/faults/dns_server.h"

#include "harness/base/error.h"
#include "harness/faults/edge.h"

#include <algorithm>
#include <deque>
#include <optional>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>

namespace crypelab::faults {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using asio::ip::udp;
using namespace asio::experimental::awaitable_operators;
using Message = std::vector<std::uint8_t>;

constexpr std::size_t kMostQuestions = 256;
constexpr std::size_t kMostStreams = 64;
constexpr std::size_t kLargest = 65535;
constexpr Duration kIdle = std::chrono::seconds(10);

asio::ip::address endpoint_of(const Address& address) {
  if (address.is_v4()) return asio::ip::address_v4(address.v4_host_order());
  return asio::ip::address_v6(address.bytes());
}

template <class Protocol>
typename Protocol::endpoint endpoint_of(const Endpoint& endpoint) {
  return {endpoint_of(endpoint.address), endpoint.port};
}

Address from_asio(const asio::ip::address& address) {
  return address.is_v4() ? Address::v4(address.to_v4().to_uint()) : Address::v6(address.to_v6().to_bytes());
}

}  // namespace

class DnsServer::Body {
 public:
  Body(DnsSettings settings, std::function<void(const DnsSeen&)> seen)
      : settings_(std::move(settings)), seen_(std::move(seen)), scratch_(kLargest) {
    for (const auto& listen : settings_.listen) {
      boost::system::error_code error;
      const auto complain = [&] {
        if (error)
          throw Failure(Exit::unavailable, fmt::format("listen on {}: {}", to_string(listen), error.message()));
      };
      auto& acceptor = acceptors_.emplace_back(context_);
      const auto where = endpoint_of<tcp>(listen);
      acceptor.open(where.protocol());
      acceptor.set_option(tcp::acceptor::reuse_address(true));
      acceptor.bind(where, error);
      complain();
      acceptor.listen(asio::socket_base::max_listen_connections, error);
      complain();
      // The same port for both transports, also when the kernel chose it.
      auto& socket = sockets_.emplace_back(context_);
      socket.open(where.protocol() == tcp::v4() ? udp::v4() : udp::v6());
      socket.bind({where.address(), acceptor.local_endpoint().port()}, error);
      complain();
      socket.non_blocking(true);
    }
    for (auto& socket : sockets_) asio::co_spawn(context_, take_datagrams(socket), rethrow);
    for (auto& acceptor : acceptors_) asio::co_spawn(context_, take_connections(acceptor), rethrow);
  }

  std::vector<Endpoint> endpoints() const {
    std::vector<Endpoint> all;
    for (const auto& socket : sockets_) {
      const auto local = socket.local_endpoint();
      all.push_back({from_asio(local.address()), local.port()});
    }
    return all;
  }
  void run() { context_.run(); }
  void stop() { context_.stop(); }

 private:
  struct Counted {
    explicit Counted(std::size_t& count) : count_(&count) { ++*count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*count_; }
    std::size_t* count_;
  };

  awaitable<void> pause(Duration duration) {
    asio::steady_timer timer(context_, duration);
    co_await timer.async_wait(use_awaitable);
  }

  DnsFate decide(const Endpoint& client, bool stream, const wire::DnsQuestion& question) {
    const auto fate = fate_of(settings_, question);
    seen_({client, stream, question, fate});
    return fate;
  }

  awaitable<void> take_datagrams(udp::socket& socket) {
    while (true) {
      boost::system::error_code error;
      co_await socket.async_wait(udp::socket::wait_read, asio::redirect_error(use_awaitable, error));
      if (error) co_return;
      udp::endpoint from;
      const auto size = socket.receive_from(asio::buffer(scratch_), from, 0, error);
      if (error || questions_ >= kMostQuestions) continue;
      Message message(scratch_.begin(), scratch_.begin() + static_cast<std::ptrdiff_t>(size));
      const auto question = wire::parse_dns_question(message);
      if (!question) continue;
      const auto fate = decide({from_address(from), from.port()}, false, *question);
      if (fate != DnsFate::silent) {
        asio::co_spawn(context_, answer_datagram(socket, from, std::move(message), *question, fate), rethrow);
      }
    }
  }

  static Address from_address(const udp::endpoint& from) { return from_asio(from.address()); }

  awaitable<void> answer_datagram(udp::socket& socket, udp::endpoint from, Message message, wire::DnsQuestion question,
                                  DnsFate fate) {
    const Counted counted(questions_);
    if (settings_.delay > Duration{0}) co_await pause(settings_.delay);
    Message answer = refusal(message, question, fate);
    boost::system::error_code error;
    if (fate == DnsFate::forward) {
      udp::socket upstream(context_);
      const auto where = endpoint_of<udp>(settings_.upstream);
      upstream.connect(where, error);
      if (!error) upstream.non_blocking(true, error);
      if (!error) upstream.send(asio::buffer(message), 0, error);
      if (error) co_return;
      co_await (ask_datagram(upstream, question.id, answer) || pause(settings_.patience));
    }
    if (!answer.empty()) socket.send_to(asio::buffer(answer), from, 0, error);
  }

  // Until an answer with that number is there, or the upstream cannot be reached.
  awaitable<void> ask_datagram(udp::socket& upstream, std::uint16_t id, Message& answer) {
    while (true) {
      boost::system::error_code error;
      co_await upstream.async_wait(udp::socket::wait_read, asio::redirect_error(use_awaitable, error));
      if (error) co_return;
      const auto size = upstream.receive(asio::buffer(scratch_), 0, error);
      if (error == asio::error::would_block) continue;
      if (error) co_return;
      if (size < 2 || wire::load<std::uint16_t>(scratch_, 0) != id) continue;
      answer.assign(scratch_.begin(), scratch_.begin() + static_cast<std::ptrdiff_t>(size));
      co_return;
    }
  }

  awaitable<void> take_connections(tcp::acceptor& acceptor) {
    while (true) {
      boost::system::error_code error;
      auto socket = co_await acceptor.async_accept(asio::redirect_error(use_awaitable, error));
      if (error == asio::error::operation_aborted) co_return;
      if (error) {
        co_await pause(std::chrono::milliseconds(10));  // no descriptors left: some will be
      } else if (connections_ < kMostStreams) {
        asio::co_spawn(context_, serve(std::move(socket)), rethrow);
      }
    }
  }

  awaitable<void> serve(tcp::socket client) {
    const Counted counted(connections_);
    boost::system::error_code error;
    const auto peer = client.remote_endpoint(error);
    if (error) co_return;
    const Endpoint from{from_asio(peer.address()), peer.port()};
    tcp::socket upstream(context_);
    while (true) {
      Message message;
      co_await (read_message(client, message) || pause(kIdle));
      const auto question = wire::parse_dns_question(message);
      if (!question) co_return;
      const auto fate = decide(from, true, *question);
      if (fate == DnsFate::silent) continue;
      if (settings_.delay > Duration{0}) co_await pause(settings_.delay);
      Message answer = refusal(message, *question, fate);
      if (fate == DnsFate::forward) co_await (ask_stream(upstream, message, answer) || pause(settings_.patience));
      if (answer.empty()) co_return;
      bool sent = false;
      co_await (write_message(client, answer, sent) || pause(kIdle));
      if (!sent) co_return;
    }
  }

  // Leaves `message` empty when there is none.
  static awaitable<void> read_message(tcp::socket& socket, Message& message) {
    boost::system::error_code error;
    std::array<std::uint8_t, 2> size{};
    co_await asio::async_read(socket, asio::buffer(size), asio::redirect_error(use_awaitable, error));
    if (error) co_return;
    Message read(wire::load<std::uint16_t>(size, 0));
    co_await asio::async_read(socket, asio::buffer(read), asio::redirect_error(use_awaitable, error));
    if (!error) message = std::move(read);
  }

  static awaitable<void> write_message(tcp::socket& socket, const Message& message, bool& sent) {
    boost::system::error_code error;
    std::array<std::uint8_t, 2> size{};
    wire::store<std::uint16_t>(size, 0, static_cast<std::uint16_t>(message.size()));
    const std::array<asio::const_buffer, 2> both{asio::buffer(size), asio::buffer(message)};
    co_await asio::async_write(socket, both, asio::redirect_error(use_awaitable, error));
    sent = !error;
  }

  awaitable<void> ask_stream(tcp::socket& upstream, const Message& message, Message& answer) {
    boost::system::error_code error;
    if (!upstream.is_open()) {
      co_await upstream.async_connect(endpoint_of<tcp>(settings_.upstream), asio::redirect_error(use_awaitable, error));
      if (error) co_return;
    }
    bool sent = false;
    co_await write_message(upstream, message, sent);
    if (sent) co_await read_message(upstream, answer);
  }

  DnsSettings settings_;
  std::function<void(const DnsSeen&)> seen_;
  Message scratch_;  // never kept over a suspension
  asio::io_context context_{1};
  std::deque<udp::socket> sockets_;
  std::deque<tcp::acceptor> acceptors_;
  std::size_t questions_ = 0;
  std::size_t connections_ = 0;
};

DnsServer::DnsServer(DnsSettings settings, std::function<void(const DnsSeen&)> seen)
    : body_(std::make_unique<Body>(std::move(settings), std::move(seen))) {}
DnsServer::~DnsServer() = default;
std::vector<Endpoint> DnsServer::endpoints() const { return body_->endpoints(); }
void DnsServer::run() { body_->run(); }
void DnsServer::stop() { body_->stop(); }

}  // namespace crypelab::faults
